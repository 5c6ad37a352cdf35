-- The sums that are to be mended ($1), locked in the order of their keys.
SELECT
FROM kpid.agent_kpi_5m k
JOIN unnest($1::kpid.agent_kpi_5m[]) d ON d."time" = k."time" AND d.agent_id = k.agent_id
ORDER BY k."time", k.agent_id
FOR NO KEY UPDATE OF k
