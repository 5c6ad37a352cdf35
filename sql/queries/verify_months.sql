-- Differences between the sums per month and the rows of the ledger behind them. A missing row counts as zeros.
SELECT
	t.table_name, t.key, d.column_name, d.stored_value, d.expected_value, NULL::text AS owner, NULL::timestamptz AS at, NULL::text AS alert_id
FROM (
	SELECT
		'ledger_month' AS table_name, concat_ws('/', month, agent_id, project_id, team_id, channel, category, priority) AS key,
		to_jsonb(s) AS stored, to_jsonb(e) AS expected
	FROM kpid.ledger_month_now s
	FULL JOIN kpid.ledger_month_due e USING (month, agent_id, project_id, team_id, channel, category, priority)
	WHERE s IS DISTINCT FROM e
	UNION ALL
	SELECT 'ledger_item_month', concat_ws('/', month, agent_id, project_id, team_id, channel, category, priority, item), to_jsonb(s), to_jsonb(e)
	FROM kpid.ledger_item_month_now s
	FULL JOIN kpid.ledger_item_month_due e USING (month, agent_id, project_id, team_id, channel, category, priority, item)
	WHERE s IS DISTINCT FROM e
	UNION ALL
	SELECT 'ledger_reach', concat_ws('/', month, level, subject, places), to_jsonb(s), to_jsonb(e)
	FROM kpid.ledger_reach_now s
	FULL JOIN (
		SELECT r.month, r.level, r.subject, r.places, r.n::numeric AS n
		FROM kpid.ledger_reach_due r
	) e USING (month, level, subject, places)
	WHERE s.n IS DISTINCT FROM e.n
) t
CROSS JOIN LATERAL (
	SELECT
		c.key AS column_name,
		coalesce(t.stored ->> c.key, '0') AS stored_value,
		coalesce(t.expected ->> c.key, '0') AS expected_value
	FROM jsonb_each(coalesce(t.stored, t.expected)
		- '{month,agent_id,project_id,team_id,channel,category,priority,item,level,subject,places}'::text[]) c
) d
WHERE d.stored_value::numeric <> d.expected_value::numeric
ORDER BY t.table_name, t.key, d.column_name
