-- Differences between the stored and the expected rows of kpid.ticket.
-- $1 rows: expected
SELECT
	'ticket' AS table_name, s.ticket_id AS key, d.column_name, d.stored_value, d.expected_value, s.ticket_id AS owner,
	NULL::timestamptz AS at, NULL::text AS alert_id
FROM unnest($1::kpid.ticket[]) e
JOIN kpid.ticket s ON s.ticket_id = e.ticket_id
CROSS JOIN LATERAL kpid.row_difference(to_jsonb(s), to_jsonb(e)) d
WHERE s IS DISTINCT FROM e
ORDER BY s.ticket_id, d.column_name
