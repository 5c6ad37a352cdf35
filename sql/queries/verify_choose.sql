-- A random sample of tickets.
-- $1 limit
SELECT ticket_id
FROM kpid.ticket
ORDER BY random()
LIMIT $1::bigint
