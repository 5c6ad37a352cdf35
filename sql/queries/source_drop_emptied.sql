-- A page of tickets, by id, that have lost all events: their histories have only the byte of the format.
-- $1 after_ticket_id
SELECT ticket_id
FROM kpid.ticket
WHERE ticket_id > $1
	AND history = '\x01'
ORDER BY ticket_id
LIMIT 500
