-- The next deadlines. Chosen before the tickets are looked up: there may be a million clocks.
-- $1 limit
WITH nearest AS MATERIALIZED (
	SELECT l.ticket_id, l.target, l.n, l.state, l.due_at
	FROM report.sla_live l
	WHERE l.state IN ('pending', 'at_risk')
	ORDER BY l.due_at, l.ticket_id, l.target
	LIMIT $1::bigint
)
SELECT
	n.ticket_id,
	n.target,
	n.state,
	n.due_at,
	((extract(epoch FROM n.due_at) - extract(epoch FROM statement_timestamp())) * 1000000)::bigint AS left_us,
	t.agent_id,
	t.priority,
	t.category
FROM nearest n
LEFT JOIN report.ticket t ON t.ticket_id = n.ticket_id
ORDER BY n.due_at, n.ticket_id, n.target
