-- Transactions of other sessions that have read tickets, and that may write some.
SELECT DISTINCT
	l.virtualtransaction AS id,
	'process ' || a.pid || coalesce(' of ' || a.usename, '') || coalesce(' (' || nullif(a.application_name, '') || ')', '') AS who
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = 'kpid.ticket'::regclass
	AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
	AND l.pid <> pg_backend_pid()
	AND a.backend_type = 'client backend'
	AND has_table_privilege(a.usesysid, 'kpid.ticket', 'UPDATE')
ORDER BY id
