-- Locks the KPI sums that are repaired, in the order of their keys.
-- $1 rows
SELECT
FROM kpid.agent_kpi_5m k
JOIN unnest($1::kpid.agent_kpi_5m[]) d ON d."time" = k."time" AND d.agent_id = k.agent_id
ORDER BY k."time", k.agent_id
FOR NO KEY UPDATE OF k
