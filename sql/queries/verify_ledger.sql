-- Differences between the sums of the ledger and the daily figures, if the ledger has all tickets. A missing row counts as zeros.
SELECT
	'ledger' AS table_name, concat_ws('/', day, agent_id) AS key, d.column_name, d.stored_value, d.expected_value, agent_id AS owner,
	NULL::timestamptz AS at, NULL::text AS alert_id
FROM (
	SELECT
		l.day,
		l.agent_id,
		{{measures: sum(l.{public}) AS {public}}}
	FROM report.ledger l
	GROUP BY l.day, l.agent_id
) s
FULL JOIN (
	SELECT
		kpid.day_of(k."time", z.zone) AS day,
		k.agent_id,
		{{measures: k.{public}}}
	FROM report.agent_kpi_daily k
	CROSS JOIN (
		SELECT coalesce((SELECT g.value FROM kpid.setting g WHERE g.name = 'report.time_zone'), 'UTC') AS zone
	) z
) e USING (day, agent_id)
CROSS JOIN LATERAL (
	SELECT
		c.key AS column_name,
		coalesce(to_jsonb(s) ->> c.key, '0') AS stored_value,
		coalesce(to_jsonb(e) ->> c.key, '0') AS expected_value
	FROM jsonb_each(coalesce(to_jsonb(s), to_jsonb(e)) - '{day,agent_id}'::text[]) c
) d
WHERE d.stored_value::numeric <> d.expected_value::numeric
	AND (SELECT r.behind = 0 FROM report.ledger_status r)
ORDER BY day, agent_id, d.column_name
