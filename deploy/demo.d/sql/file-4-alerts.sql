SELECT target, state, count(*), min(breached_at)::date AS first, max(breached_at)::date AS last,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM resolved_at - breached_at))
              / 3600)::numeric, 1) AS "median hours too late"
FROM report.alert
GROUP BY target, state
ORDER BY target, state;
