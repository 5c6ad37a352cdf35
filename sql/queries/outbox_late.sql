-- Whether messages have waited for more than 10 s to be sent: for how many seconds, who holds the lease to send them, the
-- process of the server, and whether that is there.
SELECT
	extract(epoch FROM clock_timestamp() - o.created_at)::bigint,
	l.holder,
	l.pid,
	EXISTS (SELECT FROM pg_stat_get_activity(l.pid))
FROM (SELECT created_at FROM kpid.outbox ORDER BY seq LIMIT 1) o
LEFT JOIN kpid.lease l ON l.name = 'outbox'
WHERE o.created_at < clock_timestamp() - interval '10 seconds'
