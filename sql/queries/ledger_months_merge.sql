-- Adds all notes to the sums per month. ledger_months_prune.sql follows.
WITH month_note AS (
	DELETE FROM kpid.ledger_month_change
	RETURNING *
), item_note AS (
	DELETE FROM kpid.ledger_item_month_change
	RETURNING *
), reach_note AS (
	DELETE FROM kpid.ledger_reach_change
	RETURNING *
), months AS (
	INSERT INTO kpid.ledger_month AS m (month, agent_id, project_id, team_id, channel, category, priority, n_rows, n_agent, n_team,
		n_project,
		{{measures: {column}}},
		{{ledger: {column}}})
	SELECT c.month, c.agent_id, c.project_id, c.team_id, c.channel, c.category, c.priority, sum(c.n_rows), sum(c.n_agent),
		sum(c.n_team), sum(c.n_project),
		{{measures: nullif(sum(c.{column}), 0)}},
		{{ledger: nullif(sum(c.{column}), 0)}}
	FROM month_note c
	GROUP BY c.month, c.agent_id, c.project_id, c.team_id, c.channel, c.category, c.priority
	HAVING num_nonnulls(nullif(sum(c.n_rows), 0), nullif(sum(c.n_agent), 0), nullif(sum(c.n_team), 0), nullif(sum(c.n_project), 0),
		{{measures: nullif(sum(c.{column}), 0)}},
		{{ledger: nullif(sum(c.{column}), 0)}}) > 0
	ON CONFLICT (month, agent_id, project_id, team_id, channel, category, priority) DO UPDATE SET
		n_rows = m.n_rows + excluded.n_rows,
		n_agent = m.n_agent + excluded.n_agent,
		n_team = m.n_team + excluded.n_team,
		n_project = m.n_project + excluded.n_project,
		{{measures: {column} = nullif(coalesce(m.{column}, 0) + coalesce(excluded.{column}, 0), 0)}},
		{{ledger: {column} = nullif(coalesce(m.{column}, 0) + coalesce(excluded.{column}, 0), 0)}}
), items AS (
	INSERT INTO kpid.ledger_item_month AS m (month, agent_id, project_id, team_id, channel, category, priority, item, answered, perceived_sum, paired,
		gap_sum)
	SELECT c.month, c.agent_id, c.project_id, c.team_id, c.channel, c.category, c.priority, c.item, sum(c.answered), sum(c.perceived_sum),
		sum(c.paired), sum(c.gap_sum)
	FROM item_note c
	GROUP BY c.month, c.agent_id, c.project_id, c.team_id, c.channel, c.category, c.priority, c.item
	HAVING sum(c.answered) <> 0 OR sum(c.perceived_sum) <> 0 OR sum(c.paired) <> 0 OR sum(c.gap_sum) <> 0
	ON CONFLICT (month, agent_id, project_id, team_id, channel, category, priority, item) DO UPDATE SET
		answered = m.answered + excluded.answered,
		perceived_sum = m.perceived_sum + excluded.perceived_sum,
		paired = m.paired + excluded.paired,
		gap_sum = m.gap_sum + excluded.gap_sum
)
INSERT INTO kpid.ledger_reach AS r (month, level, subject, places_sha256, places, n)
SELECT c.month, c.level, c.subject, sha256(convert_to(c.places::text, 'UTF8')), c.places, sum(c.n)
FROM reach_note c
GROUP BY c.month, c.level, c.subject, c.places
HAVING sum(c.n) <> 0
ON CONFLICT (month, level, subject, places_sha256) DO UPDATE SET n = r.n + excluded.n
