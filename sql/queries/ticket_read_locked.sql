-- As ticket_read.sql, for a batch that lost a race before: now the rows are locked, in the order of their keys.
SELECT ticket_id, rev, as_of, opened_at, revision_no, history
FROM kpid.ticket
WHERE ticket_id = ANY ($1::text[])
ORDER BY ticket_id
FOR NO KEY UPDATE
