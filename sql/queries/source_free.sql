-- Ends the transactions of instances that stand still: a process that was stopped neither reads nor writes, but its
-- server process goes on holding the rows of its batch. What it had not committed is read again by the new owner;
-- if it wakes up it finds itself fenced.
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE datname = current_database()
	AND usename = current_user
	AND application_name = current_setting('application_name')
	AND pid <> pg_backend_pid()
	AND xact_start IS NOT NULL
	AND wait_event_type = 'Client'
	AND state_change < clock_timestamp() - interval '5 seconds'
