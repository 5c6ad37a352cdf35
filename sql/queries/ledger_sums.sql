-- Makes the sums of projects and teams and of the backlog again, from the rows of the tickets behind them. Sums without any become 0.
WITH backlog AS (
	INSERT INTO kpid.backlog_5m AS b ("time", change)
	SELECT "time", coalesce(c.change, 0)
	FROM kpid.backlog_5m s
	FULL JOIN (
		SELECT c."time", sum(c.change) AS change
		FROM kpid.backlog_change c
		GROUP BY c."time"
	) c USING ("time")
	ON CONFLICT ("time") DO UPDATE SET change = excluded.change
)
INSERT INTO kpid.group_kpi_5m AS k ("time", project_id, team_id, opened, responded, resolved, within_sla, measured, csat_responses, csat_score_micros_sum)
SELECT
	"time",
	project_id,
	team_id,
	coalesce(p.opened, 0),
	coalesce(p.responded, 0),
	coalesce(p.resolved, 0),
	coalesce(p.within_sla, 0),
	coalesce(p.measured, 0),
	coalesce(p.csat_responses, 0),
	coalesce(p.csat_score_micros_sum, 0)
FROM kpid.group_kpi_5m s
FULL JOIN (
	SELECT
		l."time",
		l.project_id,
		l.team_id,
		sum(l.opened) AS opened,
		sum(l.responded) AS responded,
		sum(l.resolved) AS resolved,
		sum(l.within_sla) AS within_sla,
		sum(l.measured) AS measured,
		sum(l.csat_responses) AS csat_responses,
		sum(l.csat_score_micros_sum) AS csat_score_micros_sum
	FROM kpid.ledger_5m l
	GROUP BY l."time", l.project_id, l.team_id
) p USING ("time", project_id, team_id)
ON CONFLICT ("time", project_id, team_id) DO UPDATE SET
	opened = excluded.opened,
	responded = excluded.responded,
	resolved = excluded.resolved,
	within_sla = excluded.within_sla,
	measured = excluded.measured,
	csat_responses = excluded.csat_responses,
	csat_score_micros_sum = excluded.csat_score_micros_sum
