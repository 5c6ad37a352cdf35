-- Does another session of kpid's own role write tickets or their sums, and has it done so for a moment? Not one that is stalled
-- (terminate_stalled.sql), or that waits for a lock itself: then its own lock may be held for as long as that one.
SELECT EXISTS (
	SELECT
	FROM pg_stat_activity a
	JOIN pg_locks l ON l.pid = a.pid
	WHERE a.datname = current_database()
		AND a.usename = current_user
		AND a.pid <> pg_backend_pid()
		AND a.xact_start < clock_timestamp() - interval '300 milliseconds'
		AND a.wait_event_type IS DISTINCT FROM 'Lock'
		AND (a.wait_event_type IS DISTINCT FROM 'Client' OR a.state_change > clock_timestamp() - interval '5 seconds')
		AND l.relation IN ('kpid.ticket'::regclass, 'kpid.agent_kpi_5m'::regclass)
		AND l.mode = 'RowExclusiveLock'
		AND l.granted
) AS is_written
