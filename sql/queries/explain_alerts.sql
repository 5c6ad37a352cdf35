-- A ticket's alerts, by the time of the breach; the last 2,000, with the number of all.
-- $1 ticket_id
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
	a.revision,
	a.n_alerts
FROM (
	SELECT r.*, count(*) OVER () AS n_alerts
	FROM report.alert r
	WHERE r.ticket_id = $1
	ORDER BY r.breached_at DESC, r.target COLLATE "C" DESC, r.n DESC
	LIMIT 2000
) a
ORDER BY a.breached_at, a.target COLLATE "C", a.n
