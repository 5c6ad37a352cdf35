-- A piece of the running clocks for a list: by deadline, then paused ones by what is left. A NULL filter means all. It looks at the
-- next clocks, and returns those that match. total: of those that it looked at. seen_value and seen_key: the last one that it looked
-- at, after which the next piece begins; is_end: there is none. A row without a key says only this.
-- $1 project, $2 team, $3 agent, $4 target, $5 priority, $6 state, $7 q, $8 after_value, $9 after_key, $10 most: rows to return,
-- $11 with_total, $12 look: clocks to look at
WITH due AS MATERIALIZED (
	SELECT c.*, k.sort_value, k.key
	FROM report.sla_clock c
	CROSS JOIN LATERAL (
		SELECT
			(extract(epoch FROM c.due_at) * 1000000)::bigint AS sort_value,
			c.ticket_id || '|' || c.target || '|' || c.n AS key
	) k
	WHERE c.due_at IS NOT NULL
		AND ($8::bigint IS NULL OR c.due_at >= to_timestamp(0) + $8::bigint * interval '1 microsecond')
		AND ($8::bigint IS NULL OR (k.sort_value, k.key) > ($8::bigint, $9::text))
	ORDER BY c.due_at, k.key
	LIMIT $12::bigint
), paused AS MATERIALIZED (
	-- After all times.
	SELECT c.*, k.sort_value, k.key
	FROM report.sla_clock c
	CROSS JOIN LATERAL (
		SELECT
			(1::bigint << 61) + coalesce(c.left_us, 0) AS sort_value,
			c.ticket_id || '|' || c.target || '|' || c.n AS key
	) k
	WHERE c.paused AND c.due_at IS NULL AND c.next_at IS NULL
		AND (SELECT count(*) FROM due) < $12::bigint
		AND ($8::bigint IS NULL OR (k.sort_value, k.key) > ($8::bigint, $9::text))
	ORDER BY c.left_us, k.key
	LIMIT $12::bigint
), looked AS MATERIALIZED (
	SELECT *
	FROM (SELECT * FROM due UNION ALL SELECT * FROM paused) l
	ORDER BY l.sort_value, l.key
	LIMIT $12::bigint
), matched AS MATERIALIZED (
	SELECT l.*, s.state
	FROM looked l
	CROSS JOIN LATERAL (
		SELECT CASE
			WHEN l.breached THEN 'breached'
			WHEN l.paused THEN 'paused'
			WHEN l.at_risk_at <= statement_timestamp() THEN 'at_risk'
			ELSE 'pending'
		END AS state
	) s
	WHERE ($4::text IS NULL OR l.target = $4::text)
		AND ($6::text IS NULL OR s.state = $6::text)
		AND ((($1::text, $2::text, $3::text, $5::text, $7::text) IS NULL) OR EXISTS (
			SELECT
			FROM report.ticket t
			WHERE t.ticket_id = l.ticket_id
				AND ($1::text IS NULL OR coalesce(t.project_id, '') = $1::text)
				AND ($2::text IS NULL OR coalesce(t.team_id, '') = $2::text)
				AND ($3::text IS NULL OR coalesce(t.agent_id, '') = $3::text)
				AND ($5::text IS NULL OR coalesce(t.priority, '') = $5::text)
				AND ($7::text IS NULL OR strpos(lower(t.ticket_id), lower($7::text)) > 0 OR strpos(lower(t.category), lower($7::text)) > 0)
		))
), chosen AS MATERIALIZED (
	SELECT m.*
	FROM matched m
	ORDER BY m.sort_value, m.key
	LIMIT $10::bigint
), seen AS MATERIALIZED (
	SELECT
		l.sort_value, l.key,
		(SELECT count(*) FROM looked) < $12::bigint AS is_end,
		CASE WHEN $11::boolean THEN (SELECT count(*) FROM matched) END AS total
	FROM looked l
	ORDER BY l.sort_value DESC, l.key DESC
	LIMIT 1
)
SELECT
	c.key,
	c.ticket_id,
	c.target,
	c.n,
	c.state,
	c.due_at,
	CASE WHEN c.state = 'paused' THEN c.left_us END AS left_us,
	t.project_id AS project,
	t.team_id AS team,
	t.agent_id AS owner,
	t.priority,
	t.category,
	c.sort_value,
	s.total,
	s.sort_value AS seen_value,
	s.key AS seen_key,
	s.is_end
FROM seen s
LEFT JOIN chosen c ON true
LEFT JOIN report.ticket t ON t.ticket_id = c.ticket_id
ORDER BY c.sort_value, c.key
