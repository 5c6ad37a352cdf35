-- Which of these tickets were set aside, and wait: nobody writes them but who takes their events back.
SELECT ticket_id
FROM kpid.parked_ticket
WHERE ticket_id = ANY ($1::text[])
