-- Differences between the stored and the expected KPI sums in a range of keys. A missing row counts as zeros.
-- $1 rows: expected
-- $2 after_time, $3 after_agent_id: lower bound, exclusive
-- $4 to_time, $5 to_agent_id: upper bound, inclusive
SELECT
	'agent_kpi_5m' AS table_name, concat_ws('/', to_char("time" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"'), agent_id) AS key,
	d.column_name, d.stored_value, d.expected_value, agent_id AS owner, "time" AS at, NULL::text AS alert_id
FROM (
	SELECT "time", agent_id, k AS stored
	FROM kpid.agent_kpi_5m k
	WHERE ("time", agent_id) > ($2::timestamptz, $3::text)
		AND ("time", agent_id) <= ($4::timestamptz, $5::text)
) s
FULL JOIN (SELECT "time", agent_id, k AS expected FROM unnest($1::kpid.agent_kpi_5m[]) k) e USING ("time", agent_id)
CROSS JOIN LATERAL (
	SELECT
		c.key AS column_name,
		coalesce(to_jsonb(s.stored) ->> c.key, '0') AS stored_value,
		coalesce(to_jsonb(e.expected) ->> c.key, '0') AS expected_value
	FROM jsonb_each(coalesce(to_jsonb(s.stored), to_jsonb(e.expected)) - '{time,agent_id}'::text[]) c
) d
WHERE s.stored IS DISTINCT FROM e.expected AND d.stored_value <> d.expected_value
ORDER BY "time", agent_id, d.column_name
