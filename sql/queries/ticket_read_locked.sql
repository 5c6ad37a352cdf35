-- As ticket_read.sql, for a batch that has lost a race: locks the rows in the order of their keys.
-- $1 ticket_ids
SELECT ticket_id, rev, as_of, opened_at, revision_no, history
FROM kpid.ticket
WHERE ticket_id = ANY ($1::text[])
ORDER BY ticket_id
FOR NO KEY UPDATE
