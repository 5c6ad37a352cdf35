-- The partitions that need attention most: stopped, then by lag.
SELECT f.topic, f.partition, f.state, f.state_reason, f.owner, f.lag_messages, f.complete_until
FROM report.data_freshness f
WHERE f.state <> 'finished'
ORDER BY f.state = 'stopped' DESC, f.lag_messages DESC NULLS LAST, f.topic, f.partition
LIMIT $1::bigint
