-- The tickets behind an indicator or a flag of an agent's card; those that cost most first.
-- $1 key, $2 plan_file, $3 plan, $4 agent, $5 item, $6 up: more is better, $7 why: NULL: no reason
SELECT t.ticket_id, t.above::text AS above, t.under::text AS base
FROM appraisal.tickets($1::text, $3::text, 'agent', $4::text, $5::text, $2::jsonb, $7::text) t
WHERE t.above <> 0 OR t.under <> 0
ORDER BY CASE WHEN $6::boolean THEN t.under - t.above ELSE t.above END DESC, t.ticket_id COLLATE "C"
LIMIT 20
