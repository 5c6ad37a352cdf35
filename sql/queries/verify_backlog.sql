-- Differences between the stored and the expected backlog. A missing row counts as zero.
-- $1 rows: expected
SELECT
	'agent_backlog' AS table_name, agent_id AS key, 'backlog' AS column_name, coalesce(s.backlog, 0)::text AS stored_value,
	coalesce(e.backlog, 0)::text AS expected_value, agent_id AS owner, NULL::timestamptz AS at, NULL::text AS alert_id
FROM kpid.agent_backlog s
FULL JOIN unnest($1::kpid.agent_backlog[]) e USING (agent_id)
WHERE coalesce(s.backlog, 0) <> coalesce(e.backlog, 0)
ORDER BY agent_id
