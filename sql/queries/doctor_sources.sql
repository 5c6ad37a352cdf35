-- Partitions that are stopped, held up by an open transaction for a minute, not reported by any instance, behind, or with an
-- unknown lag.
-- $1 silence_s: longest time without a report, and without a commit while there is something to read
-- $2 lag_s: longest lag
SELECT 'fail' AS level, f.topic || '/' || f.partition || ' is stopped: ' || coalesce(f.state_reason, 'no reason recorded') AS what,
	'kpid gap list, then kpid gap accept ' || f.topic || '/' || f.partition AS advice
FROM report.data_freshness f
WHERE f.state = 'stopped'
UNION ALL
SELECT 'fail', f.topic || '/' || f.partition || ' has been held up for '
		|| round(extract(epoch FROM clock_timestamp() - f.held_since)) || ' s by a transaction that a producer has left open: '
		|| coalesce(f.lag_messages::text, 'an unknown number of') || ' messages wait',
	'kafka-transactions.sh find-hanging, then abort; until it ends, breaches are unconfirmed'
FROM report.data_freshness f
WHERE f.state = 'running' AND f.held_since < clock_timestamp() - interval '60 s'
UNION ALL
SELECT 'fail', count(*) || ' partitions of ' || f.topic || ' were last seen ' || round(max(extract(epoch FROM clock_timestamp() - f.seen_at))) || ' s ago'
		|| CASE WHEN max(f.owner) <> '' THEN ', by ' || string_agg(DISTINCT nullif(f.owner, ''), ', ') ELSE ', by no instance yet' END,
	CASE WHEN f.topic LIKE 'ingest:%'
		THEN 'run kpid ingest with the same file until it ends with 0; to give it up: kpid gap retire ''' || f.topic || ''''
		ELSE 'check that kpid run is running and reaches Kafka; if the topic is no longer read: kpid gap retire ' || f.topic
	END
FROM report.data_freshness f
WHERE f.state = 'running' AND f.held_since IS NULL AND f.seen_at < clock_timestamp() - $1::double precision * interval '1 second'
GROUP BY f.topic
UNION ALL
SELECT 'fail', p.topic || '/' || p.partition || ' has the watermark ' || p.complete_until || ', which is ahead of PostgreSQL''s clock',
	'the clock was set back: kpid run corrects this when it checks the partition'
FROM kpid.source_known p
WHERE p.state = 'running' AND p.complete_until > clock_timestamp() + interval '1 second'
UNION ALL
SELECT 'warn', f.topic || ' is behind by ' || round(max(f.lag_seconds)) || ' s' || coalesce(CASE WHEN count(*) = count(f.lag_messages) THEN ', ' ELSE ', at least ' END
		|| sum(f.lag_messages) || ' messages', ''),
	CASE WHEN max(f.committed_at) >= clock_timestamp() - $1::double precision * interval '1 second'
		THEN 'it is being read: kpid top shows the rate and the time to go'
		ELSE 'nothing of it was written for ' || $1 || ' s: check the log of kpid run'
	END
FROM report.data_freshness f
WHERE f.state = 'running' AND f.seen_at >= clock_timestamp() - $1::double precision * interval '1 second'
	AND f.lag_seconds > $2::double precision
GROUP BY f.topic
UNION ALL
-- Those that no instance has reported for long have a finding of their own, and nobody asks for the end of a file.
SELECT 'warn', count(*) || CASE WHEN count(*) = 1 THEN ' partition' ELSE ' partitions' END || ' of ' || u.topic || ': lag unknown'
		|| coalesce(' since ' || min(u.end_seen_at), '') || ', because ' || u.because,
	u.advice
FROM (
	SELECT
		f.topic,
		f.end_seen_at,
		CASE
			WHEN p.released_at IS NOT NULL THEN 'the owner (' || f.owner || ') gave them up and no instance has taken them over'
			WHEN f.owner = '' THEN 'no instance has taken them yet'
			ELSE 'their ends were not looked at for 10 s'
		END AS because,
		CASE
			WHEN p.released_at IS NOT NULL OR f.owner = '' THEN 'a rebalance takes seconds; if it lasts, start kpid run with these topics'
			ELSE 'check that ' || f.owner || ' runs and reaches the brokers that lead these partitions'
		END AS advice
	FROM report.data_freshness f
	JOIN kpid.source_known p ON p.topic = f.topic AND p.partition = f.partition
	WHERE f.state = 'running' AND f.lag_messages IS NULL AND f.topic NOT LIKE 'ingest:%'
		AND f.seen_at >= clock_timestamp() - $1::double precision * interval '1 second'
		AND (p.released_at IS NOT NULL OR f.owner = '' OR f.claimed_at < clock_timestamp() - interval '10 seconds')
) u
GROUP BY u.topic, u.because, u.advice
