SELECT coalesce(nullif(agent_id, ''), '(nobody)') AS agent, sum(opened) AS opened, sum(responded) AS responded,
       sum(resolved) AS resolved, sum(transferred_out) AS "handed on",
       round(100.0 * sum(first_response_within_sla) / nullif(sum(first_response_measured), 0), 1)
           AS "answered in time %",
       round(sum(resolution_seconds_sum) / 3600 / nullif(sum(resolved), 0), 1) AS "hours to resolve",
       round(100.0 * sum(csat_satisfied) / nullif(sum(csat_responses), 0), 1) AS "satisfied %"
FROM report.agent_kpi_daily
GROUP BY agent_id
ORDER BY sum(resolved) DESC, agent_id
LIMIT 10;
