-- All clocks of the tickets $1: those that are right are put again.
DELETE FROM kpid.sla_clock
WHERE ticket_id = ANY ($1::text[])
