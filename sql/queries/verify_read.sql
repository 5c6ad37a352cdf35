-- A page of tickets, by id.
-- $1 after_ticket_id
SELECT ticket_id, rev, as_of, opened_at, revision_no, history, revised_at
FROM kpid.ticket
WHERE ticket_id > $1::text
ORDER BY ticket_id
LIMIT 500
