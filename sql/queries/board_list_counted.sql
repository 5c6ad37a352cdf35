-- A piece of what the tickets contributed in the last hour to the sums of projects and teams, newest first: one row per ticket and 5
-- minutes. A NULL filter means all. project and team: those of the ticket at that time. total: the sum of n. seen_value, seen_key,
-- is_end: as in board_list_clocks.sql.
-- $1 project, $2 team, $3 agent, $4 priority, $5 q, $6 after_value, $7 after_key, $8 most: rows to return, $9 with_total
-- $10 did: opened, responded, resolved, measured, within, missed or rated; NULL: any of them. $11 look: rows to look at
WITH looked AS MATERIALIZED (
	SELECT l.*, (extract(epoch FROM l."time") / 300)::bigint || '|' || l.ticket_id AS key
	FROM report.ledger_5m l
	WHERE l."time" >= date_bin('5 minutes', statement_timestamp(), '2000-01-01 00:00:00+00') - interval '55 minutes'
		AND l."time" <= statement_timestamp()
		AND ($6::bigint IS NULL
			OR (l."time", l.ticket_id) < (to_timestamp(0) - $6::bigint * interval '1 microsecond', substr($7::text, strpos($7::text, '|') + 1)))
	ORDER BY l."time" DESC, l.ticket_id DESC
	FETCH FIRST ($11::bigint) ROWS WITH TIES
), counted AS MATERIALIZED (
	SELECT
		l."time",
		l.ticket_id,
		l.key,
		sum(CASE $10::text
			WHEN 'opened' THEN l.opened
			WHEN 'responded' THEN l.responded
			WHEN 'resolved' THEN l.resolved
			WHEN 'measured' THEN l.measured
			WHEN 'within' THEN l.within_sla
			WHEN 'missed' THEN l.measured - l.within_sla
			WHEN 'rated' THEN l.csat_responses
			ELSE l.opened + l.responded + l.resolved + l.measured + l.csat_responses
		END)::bigint AS n,
		max(l.project_id) AS project_id,
		max(l.team_id) AS team_id
	FROM looked l
	WHERE ($1::text IS NULL OR l.project_id = $1::text)
		AND ($2::text IS NULL OR l.team_id = $2::text)
		AND ($3::text IS NULL OR l.agent_id = $3::text)
	GROUP BY l."time", l.ticket_id, l.key
), matched AS MATERIALIZED (
	SELECT c.*
	FROM counted c
	WHERE c.n <> 0
		AND ((($4::text, $5::text) IS NULL) OR EXISTS (
			SELECT
			FROM report.ticket t
			WHERE t.ticket_id = c.ticket_id
				AND ($4::text IS NULL OR coalesce(t.priority, '') = $4::text)
				AND ($5::text IS NULL OR strpos(lower(t.ticket_id), lower($5::text)) > 0 OR strpos(lower(t.category), lower($5::text)) > 0)
		))
), chosen AS MATERIALIZED (
	SELECT m.*
	FROM matched m
	ORDER BY m."time" DESC, m.ticket_id DESC
	LIMIT $8::bigint
), seen AS MATERIALIZED (
	SELECT
		l."time", l.key,
		(SELECT count(*) FROM looked) < $11::bigint AS is_end,
		CASE WHEN $9::boolean THEN (SELECT coalesce(sum(m.n), 0)::bigint FROM matched m) END AS total
	FROM looked l
	ORDER BY l."time", l.ticket_id
	LIMIT 1
)
SELECT
	c.key,
	c.ticket_id,
	c."time" AS counted_at,
	c.n,
	t.state,
	t.opened_at,
	t.first_response_at,
	t.first_response_due_at,
	t.first_response_verdict,
	t.resolved_at,
	t.resolution_due_at,
	t.resolution_verdict,
	c.project_id AS project,
	c.team_id AS team,
	t.agent_id AS owner,
	t.priority,
	t.category,
	(t.csat_score * 1000000)::bigint AS csat_score_micros,
	(t.csat_scale_max * 1000000)::bigint AS csat_scale_micros,
	-(extract(epoch FROM c."time") * 1000000)::bigint AS sort_value,
	s.total,
	-(extract(epoch FROM s."time") * 1000000)::bigint AS seen_value,
	s.key AS seen_key,
	s.is_end
FROM seen s
LEFT JOIN chosen c ON true
LEFT JOIN report.ticket t ON t.ticket_id = c.ticket_id
ORDER BY c."time" DESC, c.ticket_id DESC
