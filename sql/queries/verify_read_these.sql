-- The given tickets, by id.
-- $1 ticket_ids
SELECT ticket_id, rev, as_of, opened_at, revision_no, history, revised_at
FROM kpid.ticket
WHERE ticket_id = ANY ($1::text[])
ORDER BY ticket_id
