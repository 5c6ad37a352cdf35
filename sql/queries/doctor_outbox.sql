-- Messages that have waited for $1 seconds to be sent.
SELECT 'fail' AS level,
	count(*) || ' messages about alerts wait to be sent to Kafka, the oldest for ' || round(extract(epoch FROM clock_timestamp() - min(o.created_at))) || ' s' AS what,
	'see that kpid run is running and may write to the alert topic (its log says)' AS advice
FROM kpid.outbox o
HAVING min(o.created_at) < clock_timestamp() - $1::double precision * interval '1 second'
