-- Which of these tickets are parked. Only the retry of parked tickets may write them.
-- $1 ticket_ids
SELECT ticket_id
FROM kpid.parked_ticket
WHERE ticket_id = ANY ($1::text[])
