-- A piece of the tickets with a running clock, in the order of their IDs, summed up by project and team: tickets, and clocks by
-- state. What has no project or no team has the empty text. next: the ID after which the next piece begins; NULL: this is the last one.
-- $1 after: an ID; NULL: the first piece. $2 most: clocks to read; more than a ticket can have
WITH clock AS MATERIALIZED (
	SELECT c.ticket_id, c.breached, c.paused, c.at_risk_at
	FROM report.sla_clock c
	WHERE c.ticket_id > coalesce($1::text, '')
	ORDER BY c.ticket_id
	LIMIT $2::bigint
), edge AS MATERIALIZED (
	-- The last ticket may have more clocks than were read: the next piece begins with it.
	SELECT max(c.ticket_id) AS ticket_id
	FROM clock c
	HAVING count(*) = $2::bigint
), ticket AS MATERIALIZED (
	SELECT
		c.ticket_id,
		count(*) FILTER (WHERE NOT c.breached AND NOT c.paused AND (c.at_risk_at <= statement_timestamp()) IS NOT TRUE) AS pending,
		count(*) FILTER (WHERE NOT c.breached AND NOT c.paused AND c.at_risk_at <= statement_timestamp()) AS at_risk,
		count(*) FILTER (WHERE c.breached) AS breached,
		count(*) FILTER (WHERE c.paused AND NOT c.breached) AS paused
	FROM clock c
	WHERE c.ticket_id IS DISTINCT FROM (SELECT e.ticket_id FROM edge e)
	GROUP BY c.ticket_id
)
SELECT
	coalesce(t.project_id, '') AS project,
	coalesce(t.team_id, '') AS team,
	count(*) AS open,
	sum(c.pending)::bigint AS pending,
	sum(c.at_risk)::bigint AS at_risk,
	sum(c.breached)::bigint AS breached,
	sum(c.paused)::bigint AS paused,
	CASE WHEN EXISTS (SELECT FROM edge) THEN (SELECT max(l.ticket_id) FROM ticket l) END AS next
FROM ticket c
LEFT JOIN report.ticket t ON t.ticket_id = c.ticket_id
GROUP BY coalesce(t.project_id, ''), coalesce(t.team_id, '')
