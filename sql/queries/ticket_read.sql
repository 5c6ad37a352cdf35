-- The tickets of a batch, without locks: ticket_write.sql detects concurrent changes.
-- $1 ticket_ids
SELECT ticket_id, rev, as_of, opened_at, revision_no, history
FROM kpid.ticket
WHERE ticket_id = ANY ($1::text[])
