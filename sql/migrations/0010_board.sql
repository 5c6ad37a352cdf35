-- The role of `kpid board`. It reads the schema report and has no other right, so the page's process can change nothing.

DO $role$
BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = 'kpid_board') THEN
		RETURN;
	END IF;
	RESET ROLE; -- kpid_owner may not create roles
	BEGIN
		CREATE ROLE kpid_board NOLOGIN;
		COMMENT ON ROLE kpid_board IS 'May read the schema report of kpid, and nothing else: for kpid board.';
	EXCEPTION
		WHEN duplicate_object OR unique_violation THEN
			NULL; -- the migration of another database was faster
		WHEN insufficient_privilege THEN
			RAISE EXCEPTION 'the role kpid_board does not exist, and % may not create it; as a superuser: CREATE ROLE kpid_board NOLOGIN',
				current_user;
	END;
	SET LOCAL ROLE kpid_owner;
END
$role$;

CREATE VIEW report.setting AS
SELECT s.name, s.value
FROM kpid.setting s;
COMMENT ON VIEW report.setting IS 'Settings that all instances share. One that is missing has its default.';
COMMENT ON COLUMN report.setting.name IS 'Name, such as report.time_zone.';
COMMENT ON COLUMN report.setting.value IS 'Value, as text.';

CREATE VIEW report.agent_backlog AS
SELECT a.agent_id, a.backlog
FROM kpid.agent_backlog a
WHERE a.backlog <> 0;
COMMENT ON VIEW report.agent_backlog IS 'Open or paused tickets by owner, without the sums of report.agent_kpi_rolling. Agents without any are missing.';
COMMENT ON COLUMN report.agent_backlog.agent_id IS 'The agent; the empty text holds what nobody owns.';
COMMENT ON COLUMN report.agent_backlog.backlog IS 'Open or paused tickets that the agent owns now.';

-- Counts of clocks at risk, the next deadlines, and pages of lists come from these. No column of them changes unless fires_at
-- does, which has an index already: updates are HOT as before.
CREATE INDEX sla_clock_due_at ON ONLY kpid.sla_clock (due_at) WHERE NOT stopped;
CREATE INDEX sla_clock_breached ON ONLY kpid.sla_clock (due_at) WHERE NOT stopped AND breached;
CREATE INDEX sla_clock_idle_due_at ON kpid.sla_clock_idle (due_at) WHERE NOT stopped;
CREATE INDEX sla_clock_at_risk_at ON ONLY kpid.sla_clock (at_risk_at) WHERE NOT stopped AND NOT breached AND NOT paused;
CREATE INDEX sla_clock_idle_at_risk_at ON kpid.sla_clock_idle (at_risk_at) WHERE NOT stopped AND NOT breached AND NOT paused;
CREATE INDEX sla_clock_idle_left_us ON kpid.sla_clock_idle (left_us) WHERE NOT stopped AND paused;
-- The newest tickets. The time of the opening never changes once it is known.
CREATE INDEX ticket_opened_at ON kpid.ticket (opened_at, ticket_id);
-- The newest breaches. detected_at never changes; unconfirmed changes once at most.
CREATE INDEX alert_detected_at ON kpid.alert (detected_at, alert_id) WHERE breached_at IS NOT NULL;
CREATE INDEX alert_unconfirmed ON kpid.alert (breached_at) WHERE unconfirmed;

-- The clocks alone: counts and the next deadlines of a million clocks come from indexes, which report.sla_live hides behind
-- its columns.
CREATE VIEW report.sla_clock AS
SELECT
	c.ticket_id,
	CASE c.target
		WHEN 0 THEN 'first_response' WHEN 1 THEN 'next_response' WHEN 2 THEN 'arrival' WHEN 3 THEN 'resolution'
	END AS target,
	c.n,
	c.started_at,
	c.due_at,
	c.fires_at AS next_at,
	c.at_risk_at,
	c.breached,
	c.paused,
	c.left_us
FROM kpid.sla_clock c
WHERE NOT c.stopped;
COMMENT ON VIEW report.sla_clock IS 'One row per SLA clock that has not stopped, without the columns of its ticket (report.sla_live has those): for counts, and for the next deadlines of very many clocks.';
COMMENT ON COLUMN report.sla_clock.ticket_id IS 'ID of the ticket, as in its events.';
COMMENT ON COLUMN report.sla_clock.target IS 'first_response, next_response, arrival or resolution.';
COMMENT ON COLUMN report.sla_clock.n IS 'Number of the clock among those of the ticket and target, as in report.sla_live.';
COMMENT ON COLUMN report.sla_clock.started_at IS 'When the clock started.';
COMMENT ON COLUMN report.sla_clock.due_at IS 'When it is due; NULL: paused.';
COMMENT ON COLUMN report.sla_clock.next_at IS 'When something falls due next by time alone: a warning, the breach or an escalation; NULL: nothing. Never later than due_at before the breach.';
COMMENT ON COLUMN report.sla_clock.at_risk_at IS 'The clock is at risk from this instant on, unless it is breached or paused.';
COMMENT ON COLUMN report.sla_clock.breached IS 'Whether it is breached.';
COMMENT ON COLUMN report.sla_clock.paused IS 'Whether it is paused.';
COMMENT ON COLUMN report.sla_clock.left_us IS 'Microseconds left to run while it is paused; otherwise NULL.';

-- The rows of report.readme become data, so a migration that adds a view adds its row.
CREATE TABLE kpid.readme (
	object_no integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	object text NOT NULL UNIQUE,
	grain text NOT NULL,
	time_column text,
	example text NOT NULL
);
COMMENT ON TABLE kpid.readme IS 'The rows of report.readme.';
GRANT SELECT ON kpid.readme TO kpid_writer;
INSERT INTO kpid.readme (object, grain, time_column, example)
SELECT object, grain, time_column, example FROM report.readme;
INSERT INTO kpid.readme (object, grain, time_column, example)
VALUES
	('report.sla_clock', 'SLA clock that has not stopped, without its ticket', 'due_at',
		'SELECT target, count(*) FROM report.sla_clock WHERE at_risk_at <= now() AND NOT breached AND NOT paused GROUP BY target'),
	('report.agent_backlog', 'agent', NULL,
		'SELECT sum(backlog) AS open_tickets FROM report.agent_backlog'),
	('report.setting', 'setting', NULL,
		'SELECT value FROM report.setting WHERE name = ''report.time_zone''');
CREATE OR REPLACE VIEW report.readme AS
SELECT object, grain, time_column, example
FROM kpid.readme
ORDER BY object_no;

GRANT USAGE ON SCHEMA report TO kpid_board;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO kpid_board;
ALTER DEFAULT PRIVILEGES FOR ROLE kpid_owner IN SCHEMA report GRANT SELECT ON TABLES TO kpid_board;
-- It runs with the rights of its owner, as for the other readers.
GRANT EXECUTE ON FUNCTION report.explain_ticket(text) TO kpid_board;
