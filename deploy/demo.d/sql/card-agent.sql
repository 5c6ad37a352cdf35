-- The agent whose card is shown: among those with enough cases, the one who answers least often in time.
SELECT agent_id
FROM report.agent_kpi_rolling
WHERE "window" = '15m' AND agent_id <> '' AND first_response_measured >= 3 AND resolution_measured >= 3
ORDER BY first_response_within_sla::numeric / first_response_measured, agent_id COLLATE "C"
LIMIT 1
