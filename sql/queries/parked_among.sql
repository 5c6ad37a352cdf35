-- Which of these tickets are parked. Only the retry of parked tickets may write them. Mostly none is parked: then no key is looked
-- up. The first row comes from the index, which skips deleted rows.
-- $1 ticket_ids
SELECT ticket_id
FROM kpid.parked_ticket
WHERE ticket_id = ANY ($1::text[])
	AND (SELECT p.ticket_id FROM kpid.parked_ticket p ORDER BY p.ticket_id LIMIT 1) IS NOT NULL
