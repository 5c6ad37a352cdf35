-- As outbox_late.sql: whether alerts have changed more than 10 s ago and no receiver has been looked for.
SELECT
	extract(epoch FROM clock_timestamp() - n.changed_at)::bigint,
	l.holder,
	l.pid,
	EXISTS (SELECT FROM pg_stat_get_activity(l.pid))
FROM (SELECT min(changed_at) AS changed_at FROM kpid.notification) n
LEFT JOIN kpid.lease l ON l.name = 'receivers'
WHERE n.changed_at < clock_timestamp() - interval '10 seconds'
