-- A page of tickets, by id, that were opened in a range of time.
-- $1 since, $2 before: NULL: no bound
-- $3 after_ticket_id
SELECT ticket_id, history, coalesce(revision_no, 0) AS revision_no, opened_at
FROM kpid.ticket
WHERE ticket_id > $3
	AND opened_at IS NOT NULL
	AND ($1::timestamptz IS NULL OR opened_at >= $1::timestamptz)
	AND ($2::timestamptz IS NULL OR opened_at < $2::timestamptz)
ORDER BY ticket_id
LIMIT 1000
