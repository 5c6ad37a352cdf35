-- Clocks that stopped, or go from one of the two tables into the other: those of sla_clock_idle are deleted as well.
DELETE FROM kpid.sla_clock c
USING unnest($1::text[], $2::integer[], $3::integer[]) AS gone (ticket_id, target, n)
WHERE c.ticket_id = gone.ticket_id AND c.target = gone.target AND c.n = gone.n
