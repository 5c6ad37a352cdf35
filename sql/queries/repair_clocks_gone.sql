-- Clocks of the tickets $2 that are none ($1: those that are).
DELETE FROM kpid.sla_clock c
WHERE c.ticket_id = ANY ($2::text[])
	AND NOT EXISTS (
		SELECT
		FROM unnest($1::kpid.sla_clock[]) e
		WHERE e.ticket_id = c.ticket_id AND e.target = c.target AND e.n = c.n)
