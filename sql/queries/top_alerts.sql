-- The newest alerts among the breaches of the last day (which uses an index).
-- $1 limit
SELECT a.ticket_id, a.target, a.state, a.breached_at, a.detected_at, a.owner_at_breach, a.policy
FROM report.alert a
WHERE a.breached_at >= statement_timestamp() - interval '24 hours'
ORDER BY a.detected_at DESC, a.alert_id
LIMIT $1::bigint
