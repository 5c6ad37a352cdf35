-- First in every session of kpid: what the role or the database may have set otherwise must not change a figure, end an idle
-- session, or let a dead one hold others up. Then whether the session can write, and which server process it has: a pooler
-- gives the client another number.
SELECT
	pg_is_in_recovery(),
	current_setting('transaction_read_only')::boolean,
	pg_backend_pid(),
	(
		SELECT count(set_config(s.name, s.value, false))
		FROM (
			VALUES
				-- What could change a figure.
				('search_path', 'pg_catalog, pg_temp'), ('TimeZone', 'UTC'), ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'),
				('bytea_output', 'hex'), ('standard_conforming_strings', 'on'), ('extra_float_digits', '1'), ('array_nulls', 'on'),
				('transform_null_equals', 'off'), ('default_transaction_isolation', 'read committed'),
				-- Of a client that vanished without a word, the server knows within 20 s.
				('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '2'), ('tcp_user_timeout', '15000'),
				-- A session waits for work as long as there is none; a writer that stops in a transaction, or waits for a lock, must
				-- not hold others up for ever.
				('idle_session_timeout', '0'), ('statement_timeout', '0'), ('transaction_timeout', '0'),
				('idle_in_transaction_session_timeout', '60s'), ('lock_timeout', '5s'), ('jit', 'off')
		) AS s (name, value)
		WHERE current_setting(s.name, true) IS NOT NULL  -- transaction_timeout is new in PostgreSQL 17
	)
