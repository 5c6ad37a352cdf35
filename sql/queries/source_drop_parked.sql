-- Tickets that are set aside, with histories and waiting events that may have events of a source.
-- $1 source
SELECT t.ticket_id, t.history
FROM kpid.parked_ticket p
JOIN kpid.ticket t ON t.ticket_id = p.ticket_id
WHERE position(convert_to($1, 'UTF8') IN t.history) > 0
UNION ALL
SELECT e.ticket_id, e.event
FROM kpid.parked_event e
WHERE position(convert_to($1, 'UTF8') IN e.event) > 0
