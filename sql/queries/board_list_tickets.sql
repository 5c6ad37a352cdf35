-- A piece of the tickets for a list, newest first. A NULL filter means all, but without a state or did only open and paused ones. It
-- looks at the next tickets, and returns those that match. total, seen_value, seen_key, is_end: as in board_list_clocks.sql.
-- $1 project, $2 team, $3 agent, $4 priority, $5 state, $6 q, $7 after_value, $8 after_key, $9 most: rows to return, $10 with_total
-- $11 did: opened, responded or resolved, by the agent and in the time that are asked for; measured or within: the latest clock of
--    the target was judged, or met, in that time
-- $12 last: hour, today or week_ago; NULL: at any time. $13 look: tickets to look at
-- $14 target of measured and within: first_response or resolution
WITH span AS MATERIALIZED (
	-- As the figures of the page: the twelve buckets up to now, today, and the same twelve a week ago.
	SELECT
		CASE $12::text
			WHEN 'today' THEN date_trunc('day', statement_timestamp(),
				coalesce((SELECT s.value FROM report.setting s WHERE s.name = 'report.time_zone'), 'UTC'))
			WHEN 'week_ago' THEN b.starts - interval '168 hours'
			WHEN 'hour' THEN b.starts
			ELSE '-infinity'
		END AS starts,
		CASE WHEN $12::text = 'week_ago' THEN b.starts - interval '167 hours' ELSE 'infinity' END AS ends
	FROM (
		SELECT date_bin('5 minutes', statement_timestamp(), '2000-01-01 00:00:00+00') - interval '55 minutes' AS starts
	) b
), looked AS MATERIALIZED (
	SELECT t.*
	FROM report.ticket t
	WHERE t.opened_at IS NOT NULL
		-- What was done before a time was opened before it; what was opened at a time, then.
		AND ($11::text IS NULL OR t.opened_at < (SELECT s.ends FROM span s))
		AND ($11::text IS DISTINCT FROM 'opened' OR t.opened_at >= (SELECT s.starts FROM span s))
		AND ($7::bigint IS NULL
			OR (t.opened_at, t.ticket_id) < (to_timestamp(0) - $7::bigint * interval '1 microsecond', $8::text))
	ORDER BY t.opened_at DESC, t.ticket_id DESC
	LIMIT $13::bigint
), matched AS MATERIALIZED (
	SELECT l.*
	FROM looked l
	CROSS JOIN LATERAL (
		SELECT
			CASE $11::text
				WHEN 'opened' THEN l.opened_at
				WHEN 'responded' THEN l.first_response_at
				WHEN 'resolved' THEN CASE WHEN l.resolution IN ('solved', 'unsolved') THEN l.resolved_at END
				ELSE CASE v.verdict WHEN 'met' THEN v.met_at WHEN 'breached' THEN CASE WHEN $11::text = 'measured' THEN v.due_at END END
			END AS at,
			CASE $11::text
				WHEN 'opened' THEN l.first_owner_id WHEN 'responded' THEN l.responder_id WHEN 'resolved' THEN l.resolver_id
				ELSE l.agent_id
			END AS agent_id
		FROM (VALUES
			('first_response', l.first_response_verdict, l.first_response_at, l.first_response_due_at),
			('resolution', l.resolution_verdict, l.resolved_at, l.resolution_due_at)
		) v (target, verdict, met_at, due_at)
		WHERE v.target = coalesce($14::text, 'resolution')
	) d
	WHERE ($11::text IS NULL OR (d.at >= (SELECT s.starts FROM span s) AND d.at < (SELECT s.ends FROM span s)))
		AND ($11::text IS NOT NULL OR $5::text IS NOT NULL OR l.state IN ('open', 'paused'))
		AND ($1::text IS NULL OR coalesce(l.project_id, '') = $1::text)
		AND ($2::text IS NULL OR coalesce(l.team_id, '') = $2::text)
		AND ($3::text IS NULL OR coalesce(d.agent_id, '') = $3::text)
		AND ($4::text IS NULL OR coalesce(l.priority, '') = $4::text)
		AND ($5::text IS NULL OR l.state = $5::text)
		AND ($6::text IS NULL OR strpos(lower(l.ticket_id), lower($6::text)) > 0 OR strpos(lower(l.category), lower($6::text)) > 0)
), chosen AS MATERIALIZED (
	SELECT m.*
	FROM matched m
	ORDER BY m.opened_at DESC, m.ticket_id DESC
	LIMIT $9::bigint
), seen AS MATERIALIZED (
	SELECT
		l.opened_at, l.ticket_id,
		(SELECT count(*) FROM looked) < $13::bigint AS is_end,
		CASE WHEN $10::boolean THEN (SELECT count(*) FROM matched) END AS total
	FROM looked l
	ORDER BY l.opened_at, l.ticket_id
	LIMIT 1
)
SELECT
	c.ticket_id AS key,
	c.ticket_id,
	c.state,
	c.opened_at,
	c.first_response_at,
	c.first_response_due_at,
	c.first_response_verdict,
	c.resolved_at,
	c.resolution_due_at,
	c.resolution_verdict,
	c.project_id AS project,
	c.team_id AS team,
	c.agent_id AS owner,
	c.priority,
	c.category,
	c.channel,
	c.policy,
	c.cycle,
	(c.csat_score * 1000000)::bigint AS csat_score_micros,
	(c.csat_scale_max * 1000000)::bigint AS csat_scale_micros,
	-(extract(epoch FROM c.opened_at) * 1000000)::bigint AS sort_value,
	s.total,
	-(extract(epoch FROM s.opened_at) * 1000000)::bigint AS seen_value,
	s.ticket_id AS seen_key,
	s.is_end
FROM seen s
LEFT JOIN chosen c ON true
ORDER BY c.opened_at DESC, c.ticket_id DESC
