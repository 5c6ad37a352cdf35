-- Differences between the stored and the expected past cycles of tickets.
-- $1 rows: expected
-- $2 ticket_ids
SELECT
	'past_cycle' AS table_name, concat_ws('/', k.ticket_id, k.cycle) AS key, d.column_name, d.stored_value,
	d.expected_value, k.ticket_id AS owner, NULL::timestamptz AS at, NULL::text AS alert_id
FROM (SELECT ticket_id, cycle, c AS stored FROM kpid.past_cycle c WHERE ticket_id = ANY ($2::text[])) s
FULL JOIN (SELECT ticket_id, cycle, c AS expected FROM unnest($1::kpid.past_cycle[]) c) e
	USING (ticket_id, cycle)
CROSS JOIN LATERAL (SELECT ticket_id, cycle) k
CROSS JOIN LATERAL kpid.row_difference(to_jsonb(s.stored), to_jsonb(e.expected)) d
WHERE s.stored IS DISTINCT FROM e.expected
ORDER BY k.ticket_id, k.cycle, d.column_name
