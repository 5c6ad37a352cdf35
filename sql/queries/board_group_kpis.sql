-- What projects and teams did in the last hour. refreshed_at: the latest refresh of the ledger; NULL: there was none in this hour.
-- missed: clocks that were breached. spark: what was resolved in the twelve buckets of the hour. One row without a key if there is nothing.
WITH bucket AS (
	SELECT date_bin('5 minutes', statement_timestamp(), '2000-01-01 00:00:00+00') - interval '55 minutes' AS first
)
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
	k.spark,
	CASE WHEN s.refreshed_at >= statement_timestamp() - interval '1 hour' THEN s.refreshed_at END AS refreshed_at
FROM report.ledger_status s
LEFT JOIN (
	SELECT
		CASE WHEN grouping(p.project_id) = 0 THEN p.project_id ELSE p.team_id END AS key,
		grouping(p.project_id) = 1 AS is_team,
		sum(p.opened)::bigint AS opened,
		sum(p.responded)::bigint AS responded,
		sum(p.resolved)::bigint AS resolved,
		sum(p.within_sla)::bigint AS within,
		sum(p.measured)::bigint AS measured,
		(sum(p.csat_score_sum) * 1000000)::bigint AS csat_micros,
		sum(p.csat_responses)::bigint AS csat_n,
		ARRAY[
			coalesce(sum(p.resolved) FILTER (WHERE p.i = 0), 0), coalesce(sum(p.resolved) FILTER (WHERE p.i = 1), 0), coalesce(sum(p.resolved) FILTER (WHERE p.i = 2), 0), coalesce(sum(p.resolved) FILTER (WHERE p.i = 3), 0),
			coalesce(sum(p.resolved) FILTER (WHERE p.i = 4), 0), coalesce(sum(p.resolved) FILTER (WHERE p.i = 5), 0), coalesce(sum(p.resolved) FILTER (WHERE p.i = 6), 0), coalesce(sum(p.resolved) FILTER (WHERE p.i = 7), 0),
			coalesce(sum(p.resolved) FILTER (WHERE p.i = 8), 0), coalesce(sum(p.resolved) FILTER (WHERE p.i = 9), 0), coalesce(sum(p.resolved) FILTER (WHERE p.i = 10), 0), coalesce(sum(p.resolved) FILTER (WHERE p.i = 11), 0)
		]::bigint[] AS spark
	FROM (
		SELECT g.*, (extract(epoch FROM g."time" - b.first) / 300)::integer AS i
		FROM bucket b
		CROSS JOIN LATERAL (
			SELECT g.*
			FROM report.group_kpi_5m g
			WHERE g."time" >= b.first AND g."time" < b.first + interval '1 hour'
		) g
	) p
	GROUP BY GROUPING SETS ((p.project_id), (p.team_id))
) k ON true
