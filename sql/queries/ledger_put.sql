-- Writes the rows of tickets: what falls into the same day is added up.
-- $1 rows
INSERT INTO kpid.ledger (day, ticket_id, agent_id, project_id, team_id, channel, category, priority,
	{{measures: {column}}},
	{{ledger: {column}}})
SELECT p.day, p.ticket_id, p.agent_id, p.project_id, p.team_id, l.channel, l.category, l.priority,
	{{measures: p.{column}}},
	{{ledger: p.{column}}}
FROM (
	SELECT
		kpid.day_of(r."time", z.zone) AS day,
		r.ticket_id,
		r.agent_id,
		r.project_id,
		r.team_id,
		{{measures: sum(r.{column})::bigint AS {column}}},
		{{ledger: sum(r.{column})::bigint AS {column}}}
	FROM unnest($1::kpid.ledger_part[]) r
	CROSS JOIN (
		SELECT coalesce((SELECT s.value FROM kpid.setting s WHERE s.name = 'report.time_zone'), 'UTC') AS zone
	) z
	GROUP BY 1, 2, 3, 4, 5
) p
CROSS JOIN LATERAL (
	SELECT t.channel, t.category, t.priority
	FROM kpid.ledger_ticket t
	WHERE t.ticket_id = p.ticket_id
	OFFSET 0
) l
