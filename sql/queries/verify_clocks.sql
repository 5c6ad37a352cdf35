-- Differences between the stored and the expected clocks of tickets.
-- $1 rows: expected, with a pending deadline
-- $2 ticket_ids
-- $3 idle_rows: expected, without one
SELECT
	'sla_clock' AS table_name,
	concat_ws('/', k.ticket_id, (ARRAY['first_response', 'next_response', 'arrival', 'resolution'])[k.target + 1], k.n) AS key,
	d.column_name, d.stored_value, d.expected_value, k.ticket_id AS owner, NULL::timestamptz AS at, NULL::text AS alert_id
FROM (SELECT ticket_id, target, n, c AS stored FROM kpid.sla_clock c WHERE ticket_id = ANY ($2::text[])) s
FULL JOIN (SELECT ticket_id, target, n, c AS expected FROM unnest($1::kpid.sla_clock[] || $3::kpid.sla_clock[]) c) e
	USING (ticket_id, target, n)
CROSS JOIN LATERAL (SELECT ticket_id, target, n) k
CROSS JOIN LATERAL kpid.row_difference(to_jsonb(s.stored), to_jsonb(e.expected)) d
WHERE s.stored IS DISTINCT FROM e.expected
ORDER BY k.ticket_id, k.target, k.n, d.column_name
