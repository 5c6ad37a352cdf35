-- Adds a batch's changes to the KPI sums, in the order of the keys. NULL is 0.
-- $1 rows
INSERT INTO kpid.agent_kpi_5m AS k
SELECT * FROM unnest($1::kpid.agent_kpi_5m[])
ON CONFLICT ("time", agent_id) DO UPDATE
SET {{measures: {column} = CASE WHEN EXCLUDED.{column} IS NULL THEN k.{column} ELSE nullif(coalesce(k.{column}, 0) + EXCLUDED.{column}, 0) END}}
