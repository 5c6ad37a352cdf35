-- Records what is added to the KPI sums next.
-- $1 by, $2 why, $3 rows
INSERT INTO kpid.repair (repaired_by, why, table_name, key, column_name, was, is_now)
SELECT
	$1::text,
	$2::text,
	'agent_kpi_5m',
	concat_ws('/', to_char(d."time" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"'), d.agent_id),
	c.key,
	w.was,
	w.was::numeric + c.value::numeric
FROM unnest($3::kpid.agent_kpi_5m[]) d
LEFT JOIN kpid.agent_kpi_5m k ON k."time" = d."time" AND k.agent_id = d.agent_id
CROSS JOIN LATERAL jsonb_each_text(to_jsonb(d) - '{time,agent_id}'::text[]) c
CROSS JOIN LATERAL (SELECT coalesce(to_jsonb(k) ->> c.key, '0') AS was) w
WHERE c.value <> '0'
ORDER BY d."time", d.agent_id, c.key
