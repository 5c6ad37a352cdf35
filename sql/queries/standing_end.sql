-- Ends the transactions of instances that stand still: of a process that was stopped, or a machine that cannot be reached,
-- the server process goes on holding the rows of its batch. What it had not committed is read again by whoever owns the
-- partitions now; if it wakes up it finds itself fenced. Who only reads holds nobody up.
SELECT pg_terminate_backend(a.pid)
FROM pg_stat_activity a
WHERE a.datname = current_database()
	AND a.usename = current_user
	AND a.pid <> pg_backend_pid()
	AND a.wait_event_type = 'Client'
	AND a.state_change < clock_timestamp() - interval '5 seconds'
	AND EXISTS (
		SELECT FROM pg_locks l
		JOIN pg_class c ON c.oid = l.relation
		WHERE l.pid = a.pid
			AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND c.relnamespace = 'kpid'::regnamespace
			AND l.mode <> 'AccessShareLock'
			AND l.granted)
