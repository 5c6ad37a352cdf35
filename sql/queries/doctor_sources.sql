-- Partitions that are stopped, that an open transaction has held up for a minute, that nobody has looked at for $1
-- seconds, or that are behind by $2 seconds.
SELECT 'fail' AS level, f.topic || '/' || f.partition || ' is stopped: ' || coalesce(f.state_reason, 'for a reason not written down') AS what,
	'kpid gap list, then kpid gap accept ' || f.topic || '/' || f.partition AS advice
FROM report.data_freshness f
WHERE f.state = 'stopped'
UNION ALL
SELECT 'fail', f.topic || '/' || f.partition || ' has been held up for '
		|| round(extract(epoch FROM clock_timestamp() - f.held_since)) || ' s by a transaction that a producer has left open: '
		|| f.lag_messages || ' messages wait',
	'kafka-transactions.sh find-hanging, then abort; until it ends, breaches are unconfirmed'
FROM report.data_freshness f
WHERE f.state = 'running' AND f.held_since < clock_timestamp() - interval '60 s'
UNION ALL
SELECT 'fail', count(*) || ' partitions of ' || f.topic || ' were last heard of ' || round(max(extract(epoch FROM clock_timestamp() - f.seen_at))) || ' s ago'
		|| CASE WHEN max(f.owner) <> '' THEN ', by ' || string_agg(DISTINCT nullif(f.owner, ''), ', ') ELSE ', by nobody ever' END,
	CASE WHEN f.topic LIKE 'ingest:%'
		THEN 'run kpid ingest with the same file until it ends with 0; to give it up: kpid gap retire ''' || f.topic || ''''
		ELSE 'see that kpid run is running and reaches Kafka; if the topic is not read any more: kpid gap retire ' || f.topic
	END
FROM report.data_freshness f
WHERE f.state = 'running' AND f.held_since IS NULL AND f.seen_at < clock_timestamp() - $1::double precision * interval '1 second'
GROUP BY f.topic
UNION ALL
SELECT 'fail', p.topic || '/' || p.partition || ' is said to be complete until ' || p.complete_until || ', which is ahead of PostgreSQL''s clock',
	'that clock was put back: kpid run puts this right when it looks at the partition; see that it does'
FROM kpid.source_partition p
WHERE p.state = 'running' AND p.complete_until > clock_timestamp() + interval '1 second'
UNION ALL
SELECT 'warn', f.topic || ' is behind by ' || round(max(f.lag_seconds)) || ' s' || coalesce(', ' || sum(f.lag_messages) || ' messages', ''),
	'it catches up by itself if it can: more lanes or another instance; see kpid top'
FROM report.data_freshness f
WHERE f.state = 'running' AND f.seen_at >= clock_timestamp() - $1::double precision * interval '1 second'
	AND f.lag_seconds > $2::double precision
GROUP BY f.topic
