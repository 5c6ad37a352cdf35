-- Deletes what tickets contributed in the last two hours, before it is written again, and takes it out of the sums of projects and teams.
-- $1 ticket_ids
WITH gone AS (
	DELETE FROM kpid.ledger_5m
	WHERE ticket_id = ANY ($1::text[])
	RETURNING *
)
INSERT INTO kpid.group_kpi_5m AS k ("time", project_id, team_id, opened, responded, resolved, within_sla, measured, csat_responses, csat_score_micros_sum)
SELECT
	g."time",
	g.project_id,
	g.team_id,
	-sum(g.opened),
	-sum(g.responded),
	-sum(g.resolved),
	-sum(g.within_sla),
	-sum(g.measured),
	-sum(g.csat_responses),
	-sum(g.csat_score_micros_sum)
FROM gone g
GROUP BY g."time", g.project_id, g.team_id
ON CONFLICT ("time", project_id, team_id) DO UPDATE SET
	opened = k.opened + excluded.opened,
	responded = k.responded + excluded.responded,
	resolved = k.resolved + excluded.resolved,
	within_sla = k.within_sla + excluded.within_sla,
	measured = k.measured + excluded.measured,
	csat_responses = k.csat_responses + excluded.csat_responses,
	csat_score_micros_sum = k.csat_score_micros_sum + excluded.csat_score_micros_sum
