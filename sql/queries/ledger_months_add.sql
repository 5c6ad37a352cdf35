-- Adds the rows of the noted tickets to the sums per month, after they have changed.
WITH ids AS MATERIALIZED (
	SELECT array_agg(d.ticket_id) AS ticket_ids
	FROM kpid.ledger_repeat_due d
), reach AS MATERIALIZED (
	SELECT r.month, r.level, r.subject, r.places
	FROM kpid.ticket_reach r
	WHERE r.ticket_id = ANY ((SELECT i.ticket_ids FROM ids i)::text[])
), months AS (
	INSERT INTO kpid.ledger_month_change (month, agent_id, project_id, team_id, channel, category, priority, n_rows, n_agent, n_team,
		n_project,
		{{measures: {column}}},
		{{ledger: {column}}})
	SELECT date_trunc('month', l.day::timestamp)::date, l.agent_id, l.project_id, l.team_id, l.channel, l.category, l.priority, 1, 0, 0, 0,
		{{measures: l.{column}}},
		{{ledger: l.{column}}}
	FROM kpid.ledger l
	WHERE l.ticket_id = ANY ((SELECT i.ticket_ids FROM ids i)::text[])
), single AS (
	INSERT INTO kpid.ledger_month_change (month, agent_id, project_id, team_id, channel, category, priority, n_rows, n_agent, n_team, n_project)
	SELECT r.month, p.agent_id, p.project_id, p.team_id, p.channel, p.category, p.priority, 0,
		count(*) FILTER (WHERE r.level = 'agent'), count(*) FILTER (WHERE r.level = 'team'), count(*) FILTER (WHERE r.level = 'project')
	FROM reach r
	CROSS JOIN LATERAL unnest(r.places) AS p
	WHERE cardinality(r.places) = 1
	GROUP BY 1, 2, 3, 4, 5, 6, 7
), items AS (
	INSERT INTO kpid.ledger_item_month_change
	SELECT date_trunc('month', i.day::timestamp)::date, i.agent_id, i.project_id, i.team_id, l.channel, l.category, l.priority, i.item,
		i.answered, i.perceived_sum, i.paired, i.gap_sum
	FROM kpid.ledger_item i
	JOIN kpid.ledger l USING (day, ticket_id, agent_id, project_id, team_id)
	WHERE i.ticket_id = ANY ((SELECT d.ticket_ids FROM ids d)::text[])
)
INSERT INTO kpid.ledger_reach_change
SELECT r.month, r.level, r.subject, r.places, 1
FROM reach r
WHERE cardinality(r.places) > 1
