-- Writes the solved cycles of tickets that have a requester.
-- $1 ticket_ids, $2 cycles, $3 resolved_at, $4 resolver_ids
INSERT INTO kpid.ledger_solved (ticket_id, cycle, requester_ref, project_id, category_root, resolved_at, resolver_id)
SELECT u.ticket_id, u.cycle, l.requester_ref, l.project_id,
	CASE WHEN l.category = '' THEN '' ELSE split_part(l.category, '/', 1) || '/' END,
	u.resolved_at, u.resolver_id
FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::text[]) AS u (ticket_id, cycle, resolved_at, resolver_id)
CROSS JOIN LATERAL (
	SELECT t.requester_ref, t.project_id, t.category
	FROM kpid.ledger_ticket t
	WHERE t.ticket_id = u.ticket_id
	OFFSET 0
) l
WHERE l.requester_ref IS NOT NULL
