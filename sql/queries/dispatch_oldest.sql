-- How long the oldest alert has waited for routing. No row: none waits. Columns as in outbox_oldest.sql.
SELECT
	extract(epoch FROM clock_timestamp() - n.changed_at)::bigint AS age_s,
	l.holder,
	l.pid,
	EXISTS (SELECT FROM pg_stat_get_activity(l.pid)) AS is_alive
FROM (SELECT min(changed_at) AS changed_at FROM kpid.notification) n
LEFT JOIN kpid.lease l ON l.name = 'receivers'
WHERE n.changed_at IS NOT NULL
