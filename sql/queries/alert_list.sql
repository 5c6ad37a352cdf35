-- Alerts with their current acknowledgement. Filters that are NULL match everything.
-- $1 all: true: include alerts that are over
-- $2 state, $3 project_id, $4 target
SELECT
	a.alert_id, a.ticket_id, a.target, a.n, a.state, a.level, a.warnings, a.due_at, coalesce(a.breached_at, a.warned_at) AS since,
	a.owner_at_breach, a.project_id, a.policy, a.delivery, k.acknowledged_by, k.why, k.fires_again_at
FROM report.alert a
LEFT JOIN report.acknowledgement k ON k.alert_id = a.alert_id AND k.ended_at IS NULL
WHERE ($1::boolean OR $2::text IS NOT NULL OR a.state IN ('warning', 'breached', 'acknowledged'))
	AND ($2::text IS NULL OR a.state = $2)
	AND ($3::text IS NULL OR a.project_id = $3)
	AND ($4::text IS NULL OR a.target = $4)
ORDER BY a.state = 'warning', since, a.alert_id
LIMIT 1000
