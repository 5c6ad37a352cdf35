-- A piece of the agents, in the order of their IDs: the last hour, and the backlog. spark: what each resolved in the twelve buckets
-- of the hour. next: the ID after which the next piece begins; NULL: this is the last one.
-- $1 after: an ID; NULL: the first piece. $2 most: agents of one bucket
WITH bucket AS MATERIALIZED (
	SELECT i.i, date_bin('5 minutes', statement_timestamp(), '2000-01-01 00:00:00+00') - (11 - i.i) * interval '5 minutes' AS "time"
	FROM generate_series(0, 11) AS i (i)
), edge AS MATERIALIZED (
	SELECT min(n.agent_id) AS next
	FROM (
		SELECT k.agent_id
		FROM bucket b
		CROSS JOIN LATERAL (
			SELECT k.agent_id
			FROM report.agent_kpi_5m k
			WHERE k."time" = b."time" AND ($1::text IS NULL OR k.agent_id > $1::text)
			ORDER BY k.agent_id
			OFFSET $2::bigint - 1
			LIMIT 1
		) k
		UNION ALL
		(
			SELECT l.agent_id
			FROM report.agent_backlog l
			WHERE $1::text IS NULL OR l.agent_id > $1::text
			ORDER BY l.agent_id
			OFFSET $2::bigint - 1
			LIMIT 1
		)
	) n
), span AS MATERIALIZED (
	SELECT
		e.next,
		coalesce(e.next, greatest(
			(SELECT max(l.agent_id) FROM report.agent_backlog l),
			(SELECT max((SELECT max(k.agent_id) FROM report.agent_kpi_5m k WHERE k."time" = b."time")) FROM bucket b)
		)) AS last
	FROM edge e
), work AS (
	SELECT b.i, k.*
	FROM span s
	CROSS JOIN bucket b
	CROSS JOIN LATERAL (
		SELECT
			k.agent_id,
			k.opened,
			k.responded,
			k.resolved,
			k.first_response_measured + k.next_response_measured + k.arrival_measured + k.resolution_measured AS measured,
			k.first_response_within_sla + k.next_response_within_sla + k.arrival_within_sla + k.resolution_within_sla AS within,
			k.csat_score_sum,
			k.csat_responses,
			0::bigint AS backlog
		FROM report.agent_kpi_5m k
		WHERE k."time" = b."time" AND ($1::text IS NULL OR k.agent_id > $1::text) AND k.agent_id <= s.last
		ORDER BY k.agent_id
		LIMIT $2::bigint -- there are no more: it makes the plan an index scan
	) k
	UNION ALL
	SELECT 12, l.agent_id, 0, 0, 0, 0, 0, 0, 0, l.backlog
	FROM span s
	CROSS JOIN LATERAL (
		SELECT l.agent_id, l.backlog
		FROM report.agent_backlog l
		WHERE ($1::text IS NULL OR l.agent_id > $1::text) AND l.agent_id <= s.last
		ORDER BY l.agent_id
		LIMIT $2::bigint
	) l
)
SELECT
	w.agent_id AS key,
	sum(w.opened)::bigint AS opened,
	sum(w.measured - w.within)::bigint AS breached,
	sum(w.responded)::bigint AS responded,
	sum(w.resolved)::bigint AS resolved,
	sum(w.within)::bigint AS within,
	sum(w.measured)::bigint AS measured,
	(sum(w.csat_score_sum) * 1000000)::bigint AS csat_micros,
	sum(w.csat_responses)::bigint AS csat_n,
	sum(w.backlog)::bigint AS backlog,
	ARRAY[
		coalesce(sum(w.resolved) FILTER (WHERE w.i = 0), 0), coalesce(sum(w.resolved) FILTER (WHERE w.i = 1), 0),
		coalesce(sum(w.resolved) FILTER (WHERE w.i = 2), 0), coalesce(sum(w.resolved) FILTER (WHERE w.i = 3), 0),
		coalesce(sum(w.resolved) FILTER (WHERE w.i = 4), 0), coalesce(sum(w.resolved) FILTER (WHERE w.i = 5), 0),
		coalesce(sum(w.resolved) FILTER (WHERE w.i = 6), 0), coalesce(sum(w.resolved) FILTER (WHERE w.i = 7), 0),
		coalesce(sum(w.resolved) FILTER (WHERE w.i = 8), 0), coalesce(sum(w.resolved) FILTER (WHERE w.i = 9), 0),
		coalesce(sum(w.resolved) FILTER (WHERE w.i = 10), 0), coalesce(sum(w.resolved) FILTER (WHERE w.i = 11), 0)
	]::bigint[] AS spark,
	(SELECT e.next FROM edge e) AS next
FROM work w
GROUP BY w.agent_id
