-- Notes tickets whose measure repeated may change: these, and those of the same requesters that were opened soon after one of their
-- resolutions. Before the tickets are written it finds former requesters and resolutions, afterwards the present ones.
-- $1 ticket_ids, $2 repeat_within_us
INSERT INTO kpid.ledger_repeat_due
SELECT u.ticket_id
FROM unnest($1::text[]) AS u (ticket_id)
UNION
SELECT l.ticket_id
FROM kpid.ledger_solved s
CROSS JOIN LATERAL (
	SELECT o.ticket_id
	FROM kpid.ledger_ticket o
	WHERE o.requester_ref = s.requester_ref
		AND o.opened_at > s.resolved_at
		AND o.opened_at <= s.resolved_at + $2::bigint * interval '1 microsecond'
	OFFSET 0 -- looked up for each resolution: a join might read the whole table
) l
WHERE s.ticket_id = ANY ($1::text[])
ON CONFLICT DO NOTHING
