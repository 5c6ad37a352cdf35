-- Deletes all clocks of tickets. The correct ones are inserted again.
-- $1 ticket_ids
DELETE FROM kpid.sla_clock
WHERE ticket_id = ANY ($1::text[])
