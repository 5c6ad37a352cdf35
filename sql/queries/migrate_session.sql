-- Migrations mean the same whatever the session's own settings are, and take the time that they need.
-- Of a program that is frozen between two statements, or whose host is gone, the server ends the session, and with it the lock
-- of migrate_lock_try.sql.
SELECT
	set_config('search_path', 'pg_catalog, pg_temp', false),
	set_config('client_min_messages', 'warning', false),
	set_config('standard_conforming_strings', 'on', false),
	set_config('TimeZone', 'UTC', false),
	set_config('DateStyle', 'ISO, YMD', false),
	set_config('statement_timeout', '0', false),
	set_config('idle_in_transaction_session_timeout', '60s', false),
	set_config('tcp_keepalives_idle', '10', false),
	set_config('tcp_keepalives_interval', '5', false),
	set_config('tcp_keepalives_count', '2', false),
	set_config('lock_timeout', '0', false)
