-- Past cycles of the tickets $2 that are none ($1: those that are).
DELETE FROM kpid.past_cycle c
WHERE c.ticket_id = ANY ($2::text[])
	AND NOT EXISTS (
		SELECT FROM unnest($1::kpid.past_cycle[]) e WHERE e.ticket_id = c.ticket_id AND e.cycle = c.cycle)
