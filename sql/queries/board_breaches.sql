-- The breaches that were detected last, also those that were undone since.
-- $1 most
WITH newest AS MATERIALIZED (
	SELECT
		a.alert_id, a.ticket_id, a.target, a.n, a.state, a.cause, a.level, a.due_at, a.breached_at, a.detected_at, a.resolved_at,
		a.unconfirmed, a.owner_at_breach, a.project_id
	FROM report.alert a
	WHERE a.breached_at IS NOT NULL
	ORDER BY a.detected_at DESC, a.alert_id DESC
	LIMIT $1::bigint
)
SELECT
	a.alert_id AS key,
	a.ticket_id,
	a.target,
	a.n,
	a.state,
	a.cause AS kind,
	a.level,
	a.due_at,
	a.breached_at,
	a.detected_at,
	a.resolved_at,
	a.unconfirmed,
	a.owner_at_breach AS owner,
	a.project_id AS project,
	t.team_id AS team,
	t.priority,
	t.category,
	a.state = 'acknowledged' AS acked,
	k.acknowledged_by AS acked_by,
	k.why AS acked_why
FROM newest a
LEFT JOIN report.ticket t ON t.ticket_id = a.ticket_id
LEFT JOIN report.acknowledgement k ON k.alert_id = a.alert_id AND k.ended_at IS NULL AND a.state = 'acknowledged'
ORDER BY a.detected_at DESC, a.alert_id DESC
