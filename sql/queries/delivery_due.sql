-- What a receiver ($1) is to be told now, the oldest first, at most $2; of a share $3 of $4 of its alerts, so that several may
-- be told side by side and still each in order.
SELECT
	d.alert_id, a.revision, a.ticket_id, a.target, a.state, a.cause, a.owner_at_breach, a.project_id, a.policy,
	a.policy_version, kpid.alert_message(a), a.n, a.level, a.n_warnings, a.due_at, a.breached_at, a.warned_at,
	a.detected_at, a.resolved_at, a.unconfirmed, d.attempts
FROM kpid.delivery d
JOIN kpid.alert a ON a.alert_id = d.alert_id
WHERE d.receiver = $1 AND d.state = 'pending' AND d.next_at <= statement_timestamp()
	AND (hashtext(d.alert_id) & 2147483647) % $4::bigint = $3::bigint
ORDER BY d.next_at, d.alert_id
LIMIT $2
