-- Writes what tickets contributed in the last two hours, and adds it to the sums of projects and teams.
-- $1 rows
WITH part AS (
	SELECT
		r."time",
		r.ticket_id,
		r.agent_id,
		r.project_id,
		r.team_id,
		coalesce(sum(r.opened), 0) AS opened,
		coalesce(sum(r.responded), 0) AS responded,
		coalesce(sum(r.resolved), 0) AS resolved,
		sum(coalesce(r.first_response_within_sla, 0) + coalesce(r.next_response_within_sla, 0) + coalesce(r.arrival_within_sla, 0)
			+ coalesce(r.resolution_within_sla, 0)) AS within_sla,
		sum(coalesce(r.first_response_measured, 0) + coalesce(r.next_response_measured, 0) + coalesce(r.arrival_measured, 0)
			+ coalesce(r.resolution_measured, 0)) AS measured,
		coalesce(sum(r.csat_responses), 0) AS csat_responses,
		coalesce(sum(r.csat_score_micros_sum), 0) AS csat_score_micros_sum
	FROM unnest($1::kpid.ledger_part[]) r
	WHERE r."time" >= statement_timestamp() - interval '2 hours'
	GROUP BY r."time", r.ticket_id, r.agent_id, r.project_id, r.team_id
), put AS (
	INSERT INTO kpid.ledger_5m ("time", ticket_id, agent_id, project_id, team_id, opened, responded, resolved, within_sla, measured, csat_responses, csat_score_micros_sum)
	SELECT *
	FROM part p
	WHERE p.opened <> 0 OR p.responded <> 0 OR p.resolved <> 0 OR p.measured <> 0 OR p.csat_responses <> 0
	RETURNING *
)
INSERT INTO kpid.group_kpi_5m AS k ("time", project_id, team_id, opened, responded, resolved, within_sla, measured, csat_responses, csat_score_micros_sum)
SELECT
	p."time",
	p.project_id,
	p.team_id,
	sum(p.opened),
	sum(p.responded),
	sum(p.resolved),
	sum(p.within_sla),
	sum(p.measured),
	sum(p.csat_responses),
	sum(p.csat_score_micros_sum)
FROM put p
GROUP BY p."time", p.project_id, p.team_id
ON CONFLICT ("time", project_id, team_id) DO UPDATE SET
	opened = k.opened + excluded.opened,
	responded = k.responded + excluded.responded,
	resolved = k.resolved + excluded.resolved,
	within_sla = k.within_sla + excluded.within_sla,
	measured = k.measured + excluded.measured,
	csat_responses = k.csat_responses + excluded.csat_responses,
	csat_score_micros_sum = k.csat_score_micros_sum + excluded.csat_score_micros_sum
