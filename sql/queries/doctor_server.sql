-- Version, encoding and settings of the server.
-- $1 min_version: as server_version_num, $2 n_sessions: that an instance opens
SELECT f.level, f.what, f.advice
FROM (
	VALUES
		(current_setting('server_version_num')::integer < $1::integer, 'fail',
			'PostgreSQL is ' || current_setting('server_version'), '15 or newer is needed'),
		(current_setting('server_encoding') <> 'UTF8', 'fail', 'the database is in ' || current_setting('server_encoding'),
			'create a database in UTF8 (createdb --encoding=UTF8 --template=template0) and read all topics again'),
		(pg_is_in_recovery(), 'fail', 'this server is a standby: nothing can be written',
			'name the primary, or several hosts and target_session_attrs = read-write in [postgres]'),
		(current_setting('default_transaction_read_only')::boolean, 'fail', 'default_transaction_read_only is on',
			'switch it off for this role or database'),
		(NOT current_setting('fsync')::boolean, 'warn', 'fsync is off: a power cut can ruin the database', 'switch it on'),
		(NOT current_setting('autovacuum')::boolean, 'warn', 'autovacuum is off: tables grow with each update', 'switch it on'),
		(current_setting('max_connections')::integer - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') < 10,
			'warn', 'fewer than 10 connections are left of max_connections = ' || current_setting('max_connections'),
			'raise max_connections or use fewer connections: an instance needs ' || $2::integer),
		((SELECT r.rolconnlimit BETWEEN 0 AND $2::integer - 1 FROM pg_roles r WHERE r.rolname = current_user), 'fail',
			'the role ' || current_user || ' may have ' || (SELECT r.rolconnlimit FROM pg_roles r WHERE r.rolname = current_user)
				|| ' connections at a time, and an instance needs ' || $2::integer,
			'ALTER ROLE ' || quote_ident(current_user) || ' CONNECTION LIMIT -1, or a number that suffices for all instances and commands'),
		((SELECT d.datconnlimit BETWEEN 0 AND $2::integer - 1 FROM pg_database d WHERE d.datname = current_database()), 'fail',
			'the database ' || current_database() || ' may have ' || (SELECT d.datconnlimit FROM pg_database d WHERE d.datname = current_database())
				|| ' connections at a time, and an instance needs ' || $2::integer,
			'ALTER DATABASE ' || quote_ident(current_database()) || ' CONNECTION LIMIT -1, or a number that suffices for all instances and commands'),
		((SELECT max(age(datfrozenxid)) FROM pg_database) > 1000000000, 'warn',
			'transaction ids are more than 1,000,000,000 old in some database', 'check why autovacuum does not keep up; VACUUM (FREEZE)')
) AS f (is_so, level, what, advice)
WHERE f.is_so
