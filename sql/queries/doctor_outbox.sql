-- Messages that wait to be sent to Kafka, and alerts that wait to be routed to receivers, with the holder of the lease for that.
-- $1 age_s: shortest wait that counts
SELECT 'fail' AS level,
	w.what || ', the oldest for ' || round(extract(epoch FROM clock_timestamp() - w.since)) || ' s; '
		|| coalesce(
			l.holder || ' (process ' || l.pid || ' of the server'
				|| CASE WHEN EXISTS (SELECT FROM pg_stat_get_activity(l.pid)) THEN '' ELSE ', which has ended' END
				|| ') holds the lease ' || l.name || CASE WHEN l.expires_at <= clock_timestamp() THEN ', which has expired' ELSE '' END,
			'no instance has taken the lease ' || w.lease) AS what,
	w.advice AS advice
FROM (
	SELECT 'outbox' AS lease, count(*) || ' messages about alerts wait to be sent to Kafka' AS what, min(o.created_at) AS since,
		'check that kpid run is running and may write to the alert topic (see its log)' AS advice
	FROM kpid.outbox o
	UNION ALL
	SELECT 'receivers', count(*) || ' changed alerts wait to be sent to receivers', min(n.changed_at),
		'check that kpid run is running (see its log)'
	FROM kpid.notification n
) w
LEFT JOIN kpid.lease l ON l.name = w.lease
WHERE w.since < clock_timestamp() - $1::double precision * interval '1 second'
