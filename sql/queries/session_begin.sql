-- First statement of every session. Overrides settings of the role or database that could change a figure, end an idle session,
-- or let a dead session block others. Returns whether the session can write, and its server process (a pooler gives the client
-- another number).
SELECT
	pg_is_in_recovery() AS in_recovery,
	current_setting('transaction_read_only')::boolean AS read_only,
	pg_backend_pid() AS server_pid,
	(
		SELECT count(set_config(s.name, s.value, false))
		FROM (
			VALUES
				-- Settings that could change a figure.
				('search_path', 'pg_catalog, pg_temp'), ('TimeZone', 'UTC'), ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'),
				('bytea_output', 'hex'), ('standard_conforming_strings', 'on'), ('extra_float_digits', '1'), ('array_nulls', 'on'),
				('transform_null_equals', 'off'), ('default_transaction_isolation', 'read committed'),
				-- The server notices within 20 s that a client has vanished.
				('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '2'), ('tcp_user_timeout', '15000'),
				-- An idle session may wait for work without limit. A writer that stops in a transaction, or waits for a lock, must not
				-- block others without limit.
				('idle_session_timeout', '0'), ('statement_timeout', '0'), ('transaction_timeout', '0'),
				('idle_in_transaction_session_timeout', '60s'), ('lock_timeout', '5s'), ('jit', 'off')
		) AS s (name, value)
		WHERE current_setting(s.name, true) IS NOT NULL  -- transaction_timeout is new in PostgreSQL 17
	) AS n_settings
