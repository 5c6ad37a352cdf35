SELECT priority, policy, count(*) AS tickets,
       count(*) FILTER (WHERE first_response_verdict = 'met') AS "answered in time",
       count(*) FILTER (WHERE first_response_verdict = 'breached') AS "too late",
       count(*) FILTER (WHERE resolution_verdict = 'met') AS "resolved in time",
       count(*) FILTER (WHERE resolution_verdict = 'breached') AS "too late "
FROM report.ticket
GROUP BY priority, policy
ORDER BY count(*) DESC
LIMIT 10;
