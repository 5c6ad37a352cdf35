-- Deletes past cycles that late events have disproved. The arrays come from subqueries, as in clock_delete.sql.
-- $1 ticket_ids, $2 cycles
DELETE FROM kpid.past_cycle c
USING unnest((SELECT $1::text[]), (SELECT $2::integer[])) AS gone (ticket_id, cycle)
WHERE c.ticket_id = gone.ticket_id AND c.cycle = gone.cycle
