-- How long the oldest message has waited, and who holds the lease to send it. No row: none waits. is_alive: the holder's server
-- process exists.
SELECT
	extract(epoch FROM clock_timestamp() - o.created_at)::bigint AS age_s,
	l.holder,
	l.pid,
	EXISTS (SELECT FROM pg_stat_get_activity(l.pid)) AS is_alive
FROM (SELECT created_at FROM kpid.outbox ORDER BY seq LIMIT 1) o
LEFT JOIN kpid.lease l ON l.name = 'outbox'
