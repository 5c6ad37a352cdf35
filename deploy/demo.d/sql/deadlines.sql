-- The nearest deadlines.
SELECT
	ticket_id AS ticket, target, coalesce(agent_id, '(nobody)') AS owner, state, round(seconds_left, 1) AS "seconds left"
FROM report.sla_live
WHERE state IN ('pending', 'at_risk')
ORDER BY due_at, ticket_id
LIMIT 5
