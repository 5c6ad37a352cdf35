-- What was recorded of a ticket's breaches, in the order of the breaches.
SELECT
	a.target,
	a.n,
	a.state,
	a.level,
	a.due_at,
	a.breached_at,
	a.cause,
	a.owner_at_breach,
	a.project_id,
	a.policy,
	a.detected_at,
	a.resolved_at,
	a.unconfirmed,
	a.delivery,
	a.revision
FROM report.alert a
WHERE a.ticket_id = $1
ORDER BY a.breached_at, a.target COLLATE "C", a.n
