-- Computes the measure repeated of the noted tickets: the latest solved cycle of another ticket of the same requester, project and
-- category, up to its first "/".
-- $1 repeat_within_us
INSERT INTO kpid.ledger AS k (day, ticket_id, agent_id, project_id, team_id, channel, category, priority, repeated)
SELECT kpid.day_of(date_bin('5 minutes', l.opened_at, '2000-01-01 00:00:00+00'), z.zone), l.ticket_id, s.resolver_id,
	l.opened_project_id, l.opened_team_id, l.channel, l.category, l.priority, 1
FROM kpid.ledger_ticket l
CROSS JOIN (
	SELECT coalesce((SELECT g.value FROM kpid.setting g WHERE g.name = 'report.time_zone'), 'UTC') AS zone
) z
CROSS JOIN LATERAL (
	SELECT o.resolver_id
	FROM kpid.ledger_solved o
	WHERE o.requester_ref = l.requester_ref
		AND o.project_id = l.project_id
		AND o.category_root = CASE WHEN l.category = '' THEN '' ELSE split_part(l.category, '/', 1) || '/' END
		AND o.resolved_at >= l.opened_at - $1::bigint * interval '1 microsecond'
		AND o.resolved_at < l.opened_at
		AND o.ticket_id <> l.ticket_id
	ORDER BY o.resolved_at DESC, o.ticket_id DESC, o.cycle DESC
	LIMIT 1
) s
WHERE l.ticket_id = ANY (ARRAY(SELECT d.ticket_id FROM kpid.ledger_repeat_due d))
ON CONFLICT (day, ticket_id, agent_id, project_id, team_id) DO UPDATE SET repeated = 1
