-- What the board shows of projects and teams, and the line of the backlog. The refresh of the ledger, which folds each changed ticket
-- beside the batches, keeps sums of the last hours in the same transaction. So the batches stay as they are, no index on a column that
-- changes is needed, and the sums belong to the project and team of that time (rule L3).

CREATE TABLE kpid.ledger_5m (
	"time" timestamptz NOT NULL,
	ticket_id text COLLATE "C" NOT NULL,
	agent_id text COLLATE "C" NOT NULL,
	project_id text COLLATE "C" NOT NULL,
	team_id text COLLATE "C" NOT NULL,
	opened bigint NOT NULL,
	responded bigint NOT NULL,
	resolved bigint NOT NULL,
	within_sla bigint NOT NULL,
	measured bigint NOT NULL,
	csat_responses bigint NOT NULL,
	csat_score_micros_sum bigint NOT NULL,
	PRIMARY KEY ("time", ticket_id, agent_id, project_id, team_id)
);
CREATE INDEX ledger_5m_ticket_id ON kpid.ledger_5m (ticket_id);
COMMENT ON TABLE kpid.ledger_5m IS 'The rows of the ledger of the last two hours, per 5 minutes, with the measures that the board shows of projects and teams.';

CREATE TABLE kpid.group_kpi_5m (
	"time" timestamptz NOT NULL,
	project_id text COLLATE "C" NOT NULL,
	team_id text COLLATE "C" NOT NULL,
	opened bigint NOT NULL,
	responded bigint NOT NULL,
	resolved bigint NOT NULL,
	within_sla bigint NOT NULL,
	measured bigint NOT NULL,
	csat_responses bigint NOT NULL,
	csat_score_micros_sum bigint NOT NULL,
	PRIMARY KEY ("time", project_id, team_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE kpid.group_kpi_5m IS 'The sums of kpid.ledger_5m, changed in the same transactions.';

CREATE TABLE kpid.backlog_change (
	ticket_id text COLLATE "C" NOT NULL,
	"time" timestamptz NOT NULL,
	change bigint NOT NULL,
	PRIMARY KEY (ticket_id, "time")
);
CREATE INDEX backlog_change_time ON kpid.backlog_change ("time") WHERE "time" > '-infinity';
CREATE INDEX backlog_change_nothing ON kpid.backlog_change (ticket_id) WHERE change = 0;
COMMENT ON TABLE kpid.backlog_change IS 'When each ticket of the ledger entered the backlog (1) and left it (-1), per 5 minutes. What is older than 26 hours is one row of the time -infinity, or none if it adds up to 0.';

CREATE TABLE kpid.backlog_5m (
	"time" timestamptz PRIMARY KEY,
	change bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE kpid.backlog_5m IS 'The sums of kpid.backlog_change, changed in the same transactions.';

GRANT SELECT, INSERT, UPDATE, DELETE ON kpid.ledger_5m, kpid.group_kpi_5m, kpid.backlog_change, kpid.backlog_5m TO kpid_writer;

CREATE VIEW kpid.ticket_backlog_change AS
SELECT
	c.ticket_id,
	CASE
		WHEN a.at < statement_timestamp() - interval '26 hours' THEN '-infinity'
		ELSE date_bin('5 minutes', a.at, '2000-01-01 00:00:00+00')
	END AS "time",
	a.change
FROM (
	SELECT t.ticket_id, t.cycle_started_at AS started_at, t.resolved_at, t.closed_at
	FROM kpid.ticket t
	WHERE t.cycle > 0
	UNION ALL
	SELECT p.ticket_id, p.started_at, p.resolved_at, p.closed_at
	FROM kpid.past_cycle p
) c
CROSS JOIN LATERAL (VALUES (c.started_at, 1), (least(c.resolved_at, c.closed_at), -1)) a (at, change)
WHERE a.at IS NOT NULL;
COMMENT ON VIEW kpid.ticket_backlog_change IS 'What kpid.backlog_change should have, by the cycles of the tickets. A ticket is in the backlog from the begin of a cycle until it is resolved or closed.';
GRANT SELECT ON kpid.ticket_backlog_change TO kpid_writer;

-- The next refresh folds all tickets again, and until it has ended, nothing is known.
UPDATE kpid.ledger_state
SET generation = generation + 1,
	scanned_to = NULL,
	refreshed_at = NULL,
	as_of = NULL;

CREATE VIEW report.ledger_5m AS
SELECT
	l."time",
	l.ticket_id,
	l.agent_id,
	l.project_id,
	l.team_id,
	l.opened,
	l.responded,
	l.resolved,
	l.within_sla,
	l.measured,
	l.csat_responses,
	l.csat_score_micros_sum * 0.000001 AS csat_score_sum
FROM kpid.ledger_5m l;
COMMENT ON VIEW report.ledger_5m IS 'What each ticket contributed in the last two hours, per 5 minutes, agent, project and team, as of the latest refresh of the ledger (report.ledger_status).';
COMMENT ON COLUMN report.ledger_5m."time" IS 'Start of the 5 minutes.';
COMMENT ON COLUMN report.ledger_5m.ticket_id IS 'The ticket.';
COMMENT ON COLUMN report.ledger_5m.agent_id IS 'The agent; the empty text: nobody.';
COMMENT ON COLUMN report.ledger_5m.project_id IS 'The project of the ticket at the time of the contribution; the empty text: not set.';
COMMENT ON COLUMN report.ledger_5m.team_id IS 'The team of the ticket at the time of the contribution; the empty text: not set.';
COMMENT ON COLUMN report.ledger_5m.opened IS 'Tickets that were opened.';
COMMENT ON COLUMN report.ledger_5m.responded IS 'First responses.';
COMMENT ON COLUMN report.ledger_5m.resolved IS 'Resolutions as solved or unsolved.';
COMMENT ON COLUMN report.ledger_5m.within_sla IS 'Clocks of any target that were met.';
COMMENT ON COLUMN report.ledger_5m.measured IS 'Clocks of any target that were met or breached.';
COMMENT ON COLUMN report.ledger_5m.csat_responses IS 'Satisfaction surveys that count.';
COMMENT ON COLUMN report.ledger_5m.csat_score_sum IS 'Sum of their scores, each divided by its scale.';

CREATE VIEW report.group_kpi_5m AS
SELECT
	g."time",
	g.project_id,
	g.team_id,
	g.opened,
	g.responded,
	g.resolved,
	g.within_sla,
	g.measured,
	g.csat_responses,
	g.csat_score_micros_sum * 0.000001 AS csat_score_sum
FROM kpid.group_kpi_5m g;
COMMENT ON VIEW report.group_kpi_5m IS 'The sums of report.ledger_5m per 5 minutes, project and team. Rows with only zeros may be there or missing.';
COMMENT ON COLUMN report.group_kpi_5m."time" IS 'Start of the 5 minutes.';
COMMENT ON COLUMN report.group_kpi_5m.project_id IS 'The project of the tickets at the time of the contribution; the empty text: not set.';
COMMENT ON COLUMN report.group_kpi_5m.team_id IS 'The team of the tickets at the time of the contribution; the empty text: not set.';
COMMENT ON COLUMN report.group_kpi_5m.opened IS 'Tickets that were opened.';
COMMENT ON COLUMN report.group_kpi_5m.responded IS 'First responses.';
COMMENT ON COLUMN report.group_kpi_5m.resolved IS 'Resolutions as solved or unsolved.';
COMMENT ON COLUMN report.group_kpi_5m.within_sla IS 'Clocks of any target that were met.';
COMMENT ON COLUMN report.group_kpi_5m.measured IS 'Clocks of any target that were met or breached.';
COMMENT ON COLUMN report.group_kpi_5m.csat_responses IS 'Satisfaction surveys that count.';
COMMENT ON COLUMN report.group_kpi_5m.csat_score_sum IS 'Sum of their scores, each divided by its scale.';

CREATE VIEW report.backlog_5m AS
SELECT
	b."time",
	sum(b.change) OVER (ORDER BY b."time")::bigint AS backlog
FROM kpid.backlog_5m b;
COMMENT ON VIEW report.backlog_5m IS 'Open or paused tickets at the end of each 5 minutes of the last 26 hours, by the instants of their events, as of the latest refresh of the ledger (report.ledger_status). 5 minutes without a change may be missing. The row of the time -infinity has what was open before.';
COMMENT ON COLUMN report.backlog_5m."time" IS 'Start of the 5 minutes.';
COMMENT ON COLUMN report.backlog_5m.backlog IS 'Open or paused tickets when these 5 minutes had ended.';

INSERT INTO kpid.readme (object, grain, time_column, example)
VALUES
	('report.ledger_5m', '5 minutes of UTC × ticket × agent × project × team, of the last two hours', 'time',
		'SELECT ticket_id, sum(resolved) AS resolved FROM report.ledger_5m WHERE time >= now() - interval ''1 hour'' AND project_id = ''north'' GROUP BY ticket_id'),
	('report.group_kpi_5m', '5 minutes of UTC × project × team, of the last two hours', 'time',
		'SELECT project_id, sum(responded) AS responded, sum(resolved) AS resolved FROM report.group_kpi_5m WHERE time >= now() - interval ''1 hour'' GROUP BY project_id'),
	('report.backlog_5m', '5 minutes of UTC, of the last 26 hours', 'time',
		'SELECT time, backlog FROM report.backlog_5m ORDER BY time');
