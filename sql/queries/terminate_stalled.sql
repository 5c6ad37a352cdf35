-- Ends stalled transactions of kpid's own role that hold rows of its tables: the process was stopped or its machine is
-- unreachable, but the server process still holds the rows of its batch. The new owner of the partitions reads the uncommitted
-- events again, and the old process is fenced if it wakes up. Sessions of other roles that hold rows are only reported. Readers
-- block nobody.
SELECT
	'process ' || a.pid || coalesce(' of ' || a.usename, '') || coalesce(' (' || nullif(a.application_name, '') || ')', '')
		|| coalesce(', in a transaction since ' || to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), '') AS who,
	CASE WHEN a.usename = current_user THEN pg_terminate_backend(a.pid) ELSE false END AS ended
FROM pg_stat_activity a
WHERE a.datname = current_database()
	AND a.pid <> pg_backend_pid()
	AND CASE
		WHEN a.usename = current_user
		THEN a.wait_event_type = 'Client' AND a.state_change < clock_timestamp() - interval '5 seconds'
		ELSE coalesce(a.xact_start < clock_timestamp() - interval '1 second', true)
	END
	AND EXISTS (
		SELECT FROM pg_locks l
		JOIN pg_class c ON c.oid = l.relation
		WHERE l.pid = a.pid
			AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND c.relnamespace = 'kpid'::regnamespace
			AND l.mode <> 'AccessShareLock'
			AND l.granted)
ORDER BY a.pid
