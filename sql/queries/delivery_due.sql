-- Notifications that are due for a receiver, oldest first. Alerts are split into shares, so that several requests run side by
-- side and each alert's notifications stay in order.
-- $1 receiver, $2 limit
-- $3 share, $4 n_shares
SELECT
	d.alert_id, a.revision, a.ticket_id, a.target, a.state, a.cause, a.owner_at_breach, a.project_id, a.policy,
	a.policy_version, kpid.alert_message(a) AS cloudevent, a.n, a.level, a.n_warnings, a.due_at, a.breached_at, a.warned_at,
	a.detected_at, a.resolved_at, a.unconfirmed, d.attempts
FROM kpid.delivery d
JOIN kpid.alert a ON a.alert_id = d.alert_id
WHERE d.receiver = $1 AND d.state = 'pending' AND d.next_at <= statement_timestamp()
	AND (hashtext(d.alert_id) & 2147483647) % $4::bigint = $3::bigint
ORDER BY d.next_at, d.alert_id
LIMIT $2
