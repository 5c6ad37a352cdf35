-- The running clocks that matter most: those that were breached last, then the nearest deadlines, then paused ones.
-- $1 most: rows in all, $2 most_breached
WITH breached AS MATERIALIZED (
	SELECT c.*
	FROM report.sla_clock c
	WHERE c.breached AND c.due_at IS NOT NULL
	ORDER BY c.due_at DESC
	LIMIT $2::bigint
), coming AS MATERIALIZED (
	SELECT c.*
	FROM report.sla_clock c
	WHERE NOT c.breached AND NOT c.paused AND c.next_at IS NOT NULL AND c.due_at IS NOT NULL
	ORDER BY c.due_at
	LIMIT $1::bigint
), paused AS MATERIALIZED (
	SELECT c.*
	FROM report.sla_clock c
	WHERE c.paused AND NOT c.breached AND c.next_at IS NULL
	ORDER BY c.left_us
	LIMIT $1::bigint
), chosen AS MATERIALIZED (
	SELECT *
	FROM (SELECT * FROM breached UNION ALL SELECT * FROM coming UNION ALL SELECT * FROM paused) c
	ORDER BY c.paused AND NOT c.breached, c.due_at, c.left_us, c.ticket_id, c.target, c.n
	LIMIT $1::bigint
)
SELECT
	c.ticket_id || '|' || c.target || '|' || c.n AS key,
	c.ticket_id,
	c.target,
	c.n,
	CASE
		WHEN c.breached THEN 'breached'
		WHEN c.paused THEN 'paused'
		WHEN c.at_risk_at <= statement_timestamp() THEN 'at_risk'
		ELSE 'pending'
	END AS state,
	c.due_at,
	CASE WHEN c.paused THEN c.left_us END AS left_us,
	t.project_id AS project,
	t.team_id AS team,
	t.agent_id AS owner,
	t.priority,
	t.category
FROM chosen c
LEFT JOIN report.ticket t ON t.ticket_id = c.ticket_id
ORDER BY c.paused AND NOT c.breached, c.due_at, c.left_us, c.ticket_id, c.target, c.n
