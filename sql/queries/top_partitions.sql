-- Partitions that need attention: stopped ones first, then by lag; an unknown lag may be the longest.
-- $1 limit
SELECT f.topic, f.partition, f.state, f.state_reason, f.owner, f.lag_messages, f.complete_until
FROM report.data_freshness f
WHERE f.state <> 'finished'
ORDER BY f.state = 'stopped' DESC, f.lag_messages DESC NULLS FIRST, f.topic, f.partition
LIMIT $1::bigint
