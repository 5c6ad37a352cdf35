-- Sessions that hold the lock that migrate_lock_wait.sql waits for. NULL: none.
SELECT string_agg(
	'process ' || a.pid || coalesce(' of ' || a.usename, '') || coalesce(' (' || nullif(a.application_name, '') || ')', '')
		|| coalesce(', since ' || to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), ''),
	'; ' ORDER BY a.pid) AS holders
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_backend_pid() AND EXISTS (
	SELECT FROM pg_catalog.pg_locks l
	JOIN pg_catalog.pg_class c ON c.oid = l.relation
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE l.pid = a.pid AND l.granted AND n.nspname = 'kpid' AND c.relname = 'migration'
		AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
		AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
)
