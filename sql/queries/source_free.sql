-- Ends the transactions of instances that stand still: a process that was stopped neither reads nor writes, but its
-- server process goes on holding the partitions of its batch. What it had not committed is read again by the new
-- owner; if it wakes up it finds itself fenced.
SELECT pg_terminate_backend(a.pid)
FROM pg_stat_activity a
WHERE a.datname = current_database()
	AND a.usename = current_user
	AND a.pid <> pg_backend_pid()
	AND a.wait_event_type = 'Client'
	AND a.state_change < clock_timestamp() - interval '5 seconds'
	AND EXISTS (
		SELECT FROM pg_locks l
		WHERE l.pid = a.pid
			AND l.relation = 'kpid.source_partition'::regclass
			AND l.granted)
