-- Past cycles that late events undid.
DELETE FROM kpid.past_cycle c
USING unnest($1::text[], $2::integer[]) AS gone (ticket_id, cycle)
WHERE c.ticket_id = gone.ticket_id AND c.cycle = gone.cycle
