-- Whose work needs no second visit, and who satisfies customers? (sum first, divide last: right for any grouping)
SELECT agent_id AS agent, sum(resolved) AS resolved, sum(reopened) AS reopened,
       round(100.0 * sum(fcr_resolved) / nullif(sum(fcr_eligible), 0), 1) AS "solved at first contact %",
       round(100.0 * sum(csat_satisfied) / nullif(sum(csat_responses), 0), 1) AS "satisfied %",
       sum(nps_promoters) - sum(nps_detractors) AS "promoters - detractors"
FROM report.agent_kpi_hourly
WHERE time > now() - interval '2 hours' AND agent_id <> ''
GROUP BY agent_id
HAVING sum(resolved) > 0
ORDER BY 4 DESC NULLS LAST, 1
LIMIT 6;
