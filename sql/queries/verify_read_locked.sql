-- As verify_read_these.sql, to be mended: nobody else writes them until the transaction ends.
SELECT ticket_id, rev, as_of, opened_at, revision_no, history, revised_at
FROM kpid.ticket
WHERE ticket_id = ANY ($1::text[])
ORDER BY ticket_id
FOR NO KEY UPDATE
