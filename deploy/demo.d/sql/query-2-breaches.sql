-- Where were targets missed, and which tickets still wait?
SELECT project_id, target, count(*) AS breaches,
       count(*) FILTER (WHERE state = 'breached') AS "still waiting",
       round(avg(extract(epoch FROM resolved_at - breached_at)), 1) AS "seconds too late"
FROM report.alert
WHERE state <> 'voided'
GROUP BY project_id, target
ORDER BY breaches DESC, project_id, target
LIMIT 6;
