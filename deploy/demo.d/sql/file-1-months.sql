SELECT to_char(time, 'YYYY-MM') AS month, sum(opened) AS opened, sum(resolved) AS resolved, sum(closed) AS closed,
       sum(reopened) AS reopened,
       round(100.0 * sum(first_response_within_sla) / nullif(sum(first_response_measured), 0), 1)
           AS "answered in time %",
       round(100.0 * sum(resolution_within_sla) / nullif(sum(resolution_measured), 0), 1) AS "resolved in time %",
       round(100.0 * sum(fcr_resolved) / nullif(sum(fcr_eligible), 0), 1) AS "at first contact %"
FROM report.agent_kpi_daily
GROUP BY 1
ORDER BY 1
LIMIT 24;
