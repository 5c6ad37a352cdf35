-- What projects and teams did in some buckets of 5 minutes. refreshed_at: the latest refresh of the ledger; NULL: there was none in the
-- last hour. missed: clocks that were breached. One row without a key if there is nothing.
-- $1 from, $2 until
SELECT
	k.key,
	k.is_team,
	k.opened,
	k.responded,
	k.resolved,
	k.within,
	k.measured,
	k.measured - k.within AS missed,
	k.csat_micros,
	k.csat_n,
	CASE WHEN s.refreshed_at >= statement_timestamp() - interval '1 hour' THEN s.refreshed_at END AS refreshed_at
FROM report.ledger_status s
LEFT JOIN (
	SELECT
		CASE WHEN grouping(g.project_id) = 0 THEN g.project_id ELSE g.team_id END AS key,
		grouping(g.project_id) = 1 AS is_team,
		sum(g.opened)::bigint AS opened,
		sum(g.responded)::bigint AS responded,
		sum(g.resolved)::bigint AS resolved,
		sum(g.within_sla)::bigint AS within,
		sum(g.measured)::bigint AS measured,
		(sum(g.csat_score_sum) * 1000000)::bigint AS csat_micros,
		sum(g.csat_responses)::bigint AS csat_n
	FROM report.group_kpi_5m g
	WHERE g."time" >= $1::timestamptz AND g."time" < $2::timestamptz
	GROUP BY GROUPING SETS ((g.project_id), (g.team_id))
) k ON true
