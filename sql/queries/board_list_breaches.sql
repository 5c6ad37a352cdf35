-- A piece of the breaches for a list, newest first, also those that were undone. A NULL filter means all. It looks at the next
-- breaches, and returns those that match. total, seen_value, seen_key, is_end: as in board_list_clocks.sql.
-- $1 project, $2 team, $3 agent, $4 target, $5 priority, $6 state, $7 q, $8 after_value, $9 after_key, $10 most: rows to return,
-- $11 with_total, $12 last: hour, today or week_ago; NULL: all. $13 look: breaches to look at
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
	SELECT
		a.alert_id, a.ticket_id, a.target, a.n, a.state, a.cause, a.level, a.due_at, a.breached_at, a.detected_at, a.resolved_at,
		a.unconfirmed, a.owner_at_breach, a.project_id
	FROM report.alert a
	WHERE a.breached_at IS NOT NULL
		-- Newest first, the index on detected_at serves; + 0 keeps the plan from the other one. For the week before it is that one.
		AND (
			$12::text IS NULL
			OR ($12::text <> 'week_ago' AND a.breached_at + interval '0' >= (SELECT s.starts FROM span s)
				AND a.detected_at >= (SELECT s.starts FROM span s) - interval '1 hour')
			OR ($12::text = 'week_ago' AND a.breached_at >= (SELECT s.starts FROM span s) AND a.breached_at < (SELECT s.ends FROM span s))
		)
		AND ($8::bigint IS NULL
			OR (a.detected_at, a.alert_id) < (to_timestamp(0) - $8::bigint * interval '1 microsecond', $9::text))
	ORDER BY a.detected_at DESC, a.alert_id DESC
	LIMIT $13::bigint
), matched AS MATERIALIZED (
	SELECT l.*
	FROM looked l
	WHERE ($1::text IS NULL OR coalesce(l.project_id, '') = $1::text)
		AND ($3::text IS NULL OR coalesce(l.owner_at_breach, '') = $3::text)
		AND ($4::text IS NULL OR l.target = $4::text)
		AND ($6::text IS NULL OR l.state = $6::text)
		AND ((($2::text, $5::text, $7::text) IS NULL) OR EXISTS (
			SELECT
			FROM (SELECT l.ticket_id) i
			LEFT JOIN report.ticket t ON t.ticket_id = i.ticket_id
			WHERE ($2::text IS NULL OR coalesce(t.team_id, '') = $2::text)
				AND ($5::text IS NULL OR coalesce(t.priority, '') = $5::text)
				AND ($7::text IS NULL OR strpos(lower(i.ticket_id), lower($7::text)) > 0 OR strpos(lower(t.category), lower($7::text)) > 0)
		))
), chosen AS MATERIALIZED (
	SELECT m.*
	FROM matched m
	ORDER BY m.detected_at DESC, m.alert_id DESC
	LIMIT $10::bigint
), seen AS MATERIALIZED (
	SELECT
		l.detected_at, l.alert_id,
		(SELECT count(*) FROM looked) < $13::bigint AS is_end,
		CASE WHEN $11::boolean THEN (SELECT count(*) FROM matched) END AS total
	FROM looked l
	ORDER BY l.detected_at, l.alert_id
	LIMIT 1
)
SELECT
	c.alert_id AS key,
	c.ticket_id,
	c.target,
	c.n,
	c.state,
	c.cause AS kind,
	c.level,
	c.due_at,
	c.breached_at,
	c.detected_at,
	c.resolved_at,
	c.unconfirmed,
	c.owner_at_breach AS owner,
	c.project_id AS project,
	t.team_id AS team,
	t.priority,
	t.category,
	c.state = 'acknowledged' AS acked,
	k.acknowledged_by AS acked_by,
	k.why AS acked_why,
	-(extract(epoch FROM c.detected_at) * 1000000)::bigint AS sort_value,
	s.total,
	-(extract(epoch FROM s.detected_at) * 1000000)::bigint AS seen_value,
	s.alert_id AS seen_key,
	s.is_end
FROM seen s
LEFT JOIN chosen c ON true
LEFT JOIN report.ticket t ON t.ticket_id = c.ticket_id
LEFT JOIN report.acknowledgement k ON k.alert_id = c.alert_id AND k.ended_at IS NULL AND c.state = 'acknowledged'
ORDER BY c.detected_at DESC, c.alert_id DESC
