-- Differences between the stored and the expected alerts of tickets. Values that depend on people or on the moment are not
-- compared: detection, delivery, acknowledgement. A disproved breach or warning stays as voided. Other columns of a
-- voided alert are not kept up to date.
-- $1 rows: expected
-- $2 ticket_ids
WITH stored AS (
	SELECT a
	FROM kpid.alert a
	WHERE a.ticket_id = ANY ($2::text[])
	UNION ALL -- rows with the wrong ticket_id; an OR would scan the whole table
	SELECT a
	FROM unnest($1::kpid.alert[]) e
	JOIN kpid.alert a ON a.alert_id = e.alert_id
	WHERE a.ticket_id <> ALL ($2::text[])
), pairs AS (
	SELECT s.a AS stored, e.a AS expected
	FROM stored s
	FULL JOIN (SELECT a FROM unnest($1::kpid.alert[]) a) e ON (e.a).alert_id = (s.a).alert_id
), rows AS MATERIALIZED (
	SELECT
		stored,
		expected,
		to_jsonb(stored) - '{revision,detected_at,unconfirmed,delivery}'::text[]
			|| CASE WHEN (stored).state = 'acknowledged' THEN '{"state": "breached"}' ELSE '{}' END::jsonb AS stored_row,
		CASE
			WHEN expected IS NOT DISTINCT FROM NULL THEN
				to_jsonb(stored) - '{revision,detected_at,unconfirmed,delivery}'::text[]
					|| '{"state": "voided", "resolved_at": null}'
			ELSE to_jsonb(expected) - '{revision,detected_at,unconfirmed,delivery}'::text[]
		END AS expected_row
	FROM pairs
	WHERE (stored).state IS NULL
		OR (expected).alert_id IS NULL AND (stored).state <> 'voided'
		OR (expected).alert_id IS NOT NULL AND ((stored).state <> 'voided' OR (stored).breached_at IS NULL OR (expected).breached_at IS NOT NULL)
)
SELECT
	'alert' AS table_name, concat_ws('/', k.ticket_id, k.target, k.n) AS key, d.column_name, d.stored_value,
	d.expected_value, k.ticket_id AS owner, NULL::timestamptz AS at,
	CASE WHEN (expected).alert_id IS NULL THEN 'void ' ELSE 'put ' END || k.alert_id AS alert_id
FROM rows
CROSS JOIN LATERAL (
	SELECT
		coalesce((expected).alert_id, (stored).alert_id) AS alert_id,
		coalesce((expected).ticket_id, (stored).ticket_id) AS ticket_id,
		coalesce((expected).target, (stored).target) AS target,
		coalesce((expected).n, (stored).n) AS n
) k
CROSS JOIN LATERAL kpid.row_difference(stored_row, expected_row) d
WHERE stored_row IS DISTINCT FROM expected_row
ORDER BY k.ticket_id, k.target, k.n, d.column_name
