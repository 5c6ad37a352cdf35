-- The tickets of a batch as they are. Nothing is locked: ticket_write.sql sees who came in between.
SELECT ticket_id, rev, as_of, opened_at, revision_no, history
FROM kpid.ticket
WHERE ticket_id = ANY ($1::text[])
