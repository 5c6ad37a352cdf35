-- Who holds rows of kpid's tables while others wait. Transactions of kpid's own role that do not go on are ended: of a process
-- that was stopped, or a machine that cannot be reached, the server process goes on holding the rows of its batch. What it had
-- not committed is read again by whoever owns the partitions now; if it wakes up it finds itself fenced. Those of others are
-- only named. Who only reads holds nobody up. One row per session: who it is, and whether it was ended.
SELECT
	'process ' || a.pid || coalesce(' of ' || a.usename, '') || coalesce(' (' || nullif(a.application_name, '') || ')', '')
		|| coalesce(', in a transaction since ' || to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), ''),
	CASE WHEN a.usename = current_user THEN pg_terminate_backend(a.pid) ELSE false END
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
