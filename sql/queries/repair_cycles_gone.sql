-- Deletes past cycles of tickets that are not among the correct ones.
-- $1 rows: the correct ones
-- $2 ticket_ids
DELETE FROM kpid.past_cycle c
WHERE c.ticket_id = ANY ($2::text[])
	AND NOT EXISTS (
		SELECT FROM unnest($1::kpid.past_cycle[]) e WHERE e.ticket_id = c.ticket_id AND e.cycle = c.cycle)
