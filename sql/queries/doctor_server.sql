-- The server itself: $1 the least version, as a number.
SELECT f.level, f.what, f.advice
FROM (
	VALUES
		(current_setting('server_version_num')::integer < $1::integer, 'fail',
			'PostgreSQL is ' || current_setting('server_version'), 'it takes 15 or newer'),
		(current_setting('server_encoding') <> 'UTF8', 'fail', 'the database is in ' || current_setting('server_encoding'),
			'make one in UTF8 (createdb --encoding=UTF8 --template=template0) and read everything into it again'),
		(pg_is_in_recovery(), 'fail', 'this server is a standby: nothing can be written',
			'name the primary, or several hosts and target_session_attrs = read-write in [postgres]'),
		(current_setting('default_transaction_read_only')::boolean, 'fail', 'default_transaction_read_only is on',
			'switch it off for this role or database'),
		(NOT current_setting('fsync')::boolean, 'warn', 'fsync is off: a power cut can ruin the database', 'switch it on'),
		(NOT current_setting('autovacuum')::boolean, 'warn', 'autovacuum is off: tables grow with each update', 'switch it on'),
		(current_setting('max_connections')::integer - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') < 10,
			'warn', 'fewer than 10 connections are left of max_connections = ' || current_setting('max_connections'),
			'raise max_connections, or use fewer: an instance keeps lanes + 4'),
		((SELECT max(age(datfrozenxid)) FROM pg_database) > 1000000000, 'warn',
			'transaction ids are more than 1,000,000,000 old in some database', 'see that autovacuum gets through; VACUUM (FREEZE)')
) AS f (is_so, level, what, advice)
WHERE f.is_so
