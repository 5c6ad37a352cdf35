-- Settings under which migrations always mean the same and have no time limit. The server ends a session within 15 s if its program
-- is frozen between two statements, or if the program or its host is gone, even while a statement runs. That releases the lock of
-- migrate_lock_try.sql.
SELECT count(set_config(s.name, s.value, false)) AS n_settings
FROM (
	VALUES
		('search_path', 'pg_catalog, pg_temp'),
		('client_min_messages', 'warning'),
		('standard_conforming_strings', 'on'),
		('TimeZone', 'UTC'),
		('DateStyle', 'ISO, YMD'),
		('statement_timeout', '0'),
		('idle_in_transaction_session_timeout', '15s'),
		('tcp_keepalives_idle', '10'),
		('tcp_keepalives_interval', '5'),
		('tcp_keepalives_count', '2'),
		('tcp_user_timeout', '15000'),
		('client_connection_check_interval', '3s'),
		('lock_timeout', '0')
) AS s (name, value)
