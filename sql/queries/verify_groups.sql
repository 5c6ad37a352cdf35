-- Differences between the sums that the board shows of projects and teams, or of the backlog, and the rows of the tickets behind them.
-- A missing row counts as zeros.
SELECT
	t.table_name, t.key, d.column_name, d.stored_value, d.expected_value, NULL::text AS owner, t.at, NULL::text AS alert_id
FROM (
	SELECT
		'group_kpi_5m' AS table_name, concat_ws('/', "time", project_id, team_id) AS key, "time" AS at, to_jsonb(s) AS stored,
		to_jsonb(e) AS expected
	FROM report.group_kpi_5m s
	FULL JOIN (
		SELECT
			l."time",
			l.project_id,
			l.team_id,
			sum(l.opened) AS opened,
			sum(l.responded) AS responded,
			sum(l.resolved) AS resolved,
			sum(l.within_sla) AS within_sla,
			sum(l.measured) AS measured,
			sum(l.csat_responses) AS csat_responses,
			sum(l.csat_score_sum) AS csat_score_sum
		FROM report.ledger_5m l
		GROUP BY l."time", l.project_id, l.team_id
	) e USING ("time", project_id, team_id)
	UNION ALL
	SELECT 'backlog_5m', "time"::text, "time", to_jsonb(s), to_jsonb(e)
	FROM kpid.backlog_5m s
	FULL JOIN (
		SELECT c."time", sum(c.change) AS change
		FROM kpid.backlog_change c
		GROUP BY c."time"
	) e USING ("time")
) t
CROSS JOIN LATERAL (
	SELECT
		c.key AS column_name,
		coalesce(t.stored ->> c.key, '0') AS stored_value,
		coalesce(t.expected ->> c.key, '0') AS expected_value
	FROM jsonb_each(coalesce(t.stored, t.expected) - '{time,project_id,team_id}'::text[]) c
) d
WHERE d.stored_value::numeric <> d.expected_value::numeric
ORDER BY t.table_name, t.key, d.column_name
