-- A page of tickets, by id, whose histories may have events of a source: its name is somewhere in them.
-- $1 source
-- $2 after_ticket_id
SELECT ticket_id
FROM kpid.ticket
WHERE ticket_id > $2
	AND position(convert_to($1, 'UTF8') IN history) > 0
ORDER BY ticket_id
LIMIT 500
