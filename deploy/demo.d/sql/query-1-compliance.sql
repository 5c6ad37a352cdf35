-- For which kinds of tickets do we meet our targets?
SELECT category, count(*) AS tickets,
       round(100.0 * count(*) FILTER (WHERE first_response_verdict = 'met') / nullif(count(*) FILTER (
           WHERE first_response_verdict IN ('met', 'breached')), 0), 1) AS "answered in time %",
       round(avg(extract(epoch FROM first_response_at - opened_at)), 1) AS "seconds to answer"
FROM report.ticket
GROUP BY category
ORDER BY 3, 1;
