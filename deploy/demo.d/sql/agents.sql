-- The agents in the last 15 minutes.
SELECT
	coalesce(nullif(agent_id, ''), '(nobody)') AS agent,
	backlog,
	opened,
	responded AS answered,
	round(100.0 * first_response_within_sla / nullif(first_response_measured, 0), 1) AS "% in time",
	round(first_response_seconds_sum / nullif(responded, 0), 1) AS "seconds",
	resolved,
	round(100.0 * resolution_within_sla / nullif(resolution_measured, 0), 1) AS "% in time ",
	reopened,
	round(5 * csat_score_sum / nullif(csat_responses, 0), 1) AS "CSAT"
FROM report.agent_kpi_rolling
WHERE "window" = '15m'
ORDER BY agent_id COLLATE "C"
