-- The ledger (rules L): what each ticket contributes to each agent on each day. The daemon folds it from the histories of the
-- tickets, beside the batches: it finds changed tickets by their rev.
--
-- As in kpid.agent_kpi_5m, a measure that is 0 is NULL, and takes no room.

CREATE TABLE kpid.ledger (
	day date NOT NULL,
	ticket_id text COLLATE "C" NOT NULL,
	agent_id text COLLATE "C" NOT NULL,
	project_id text COLLATE "C" NOT NULL,
	team_id text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	category text COLLATE "C" NOT NULL,
	priority text COLLATE "C" NOT NULL,
	{{measures 28: {column} bigint}},
	{{ledger 13: {column} bigint}},
	PRIMARY KEY (day, ticket_id, agent_id, project_id, team_id)
);
CREATE INDEX ledger_ticket_id ON kpid.ledger (ticket_id);
COMMENT ON TABLE kpid.ledger IS 'What a ticket contributes to an agent on a day, in a project and a team (rules L), in whole microseconds and millionths. NULL is 0. '''' is nobody, or not set.';
COMMENT ON COLUMN kpid.ledger.project_id IS 'The project at the time of the contribution, as team_id. channel, category and priority are those that the ticket has now.';

CREATE TYPE kpid.ledger_part AS (
	"time" timestamptz,
	ticket_id text COLLATE "C",
	agent_id text COLLATE "C",
	project_id text COLLATE "C",
	team_id text COLLATE "C",
	{{measures 28: {column} bigint}},
	{{ledger 13: {column} bigint}}
);
COMMENT ON TYPE kpid.ledger_part IS 'What a ticket contributes in 5 minutes: the form in which rows of kpid.ledger are sent.';

CREATE TABLE kpid.ledger_item (
	day date NOT NULL,
	ticket_id text COLLATE "C" NOT NULL,
	agent_id text COLLATE "C" NOT NULL,
	project_id text COLLATE "C" NOT NULL,
	team_id text COLLATE "C" NOT NULL,
	item text COLLATE "C" NOT NULL,
	kind text COLLATE "C" NOT NULL,
	answered bigint NOT NULL,
	perceived_sum bigint NOT NULL,
	paired bigint NOT NULL,
	gap_sum bigint NOT NULL,
	PRIMARY KEY (day, ticket_id, agent_id, project_id, team_id, item, kind)
);
CREATE INDEX ledger_item_ticket_id ON kpid.ledger_item (ticket_id);
COMMENT ON TABLE kpid.ledger_item IS 'The answers to the items of the surveys that count (rule L6). perceived_sum and gap_sum are in millionths.';

CREATE TABLE kpid.ledger_ticket (
	ticket_id text COLLATE "C" PRIMARY KEY,
	rev integer NOT NULL,
	generation integer NOT NULL,
	opened_at timestamptz,
	requester_ref text COLLATE "C",
	project_id text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	category text COLLATE "C" NOT NULL,
	priority text COLLATE "C" NOT NULL,
	opened_project_id text COLLATE "C" NOT NULL,
	opened_team_id text COLLATE "C" NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX ledger_ticket_requester ON kpid.ledger_ticket (requester_ref, opened_at) WHERE requester_ref IS NOT NULL;
COMMENT ON TABLE kpid.ledger_ticket IS 'The tickets that the ledger contains, and what the measure repeated has to know of them.';
COMMENT ON COLUMN kpid.ledger_ticket.rev IS 'The rev of kpid.ticket from which the rows of the ledger come.';
COMMENT ON COLUMN kpid.ledger_ticket.generation IS 'The generation of kpid.ledger_state to which the rows belong. A ticket with an older one has to be folded again.';
COMMENT ON COLUMN kpid.ledger_ticket.opened_project_id IS 'The project at the opening, as opened_team_id.';

CREATE TABLE kpid.ledger_solved (
	ticket_id text COLLATE "C" NOT NULL,
	cycle integer NOT NULL,
	requester_ref text COLLATE "C" NOT NULL,
	project_id text COLLATE "C" NOT NULL,
	category_root text COLLATE "C" NOT NULL,
	resolved_at timestamptz NOT NULL,
	resolver_id text COLLATE "C" NOT NULL,
	PRIMARY KEY (ticket_id, cycle)
);
CREATE INDEX ledger_solved_latest ON kpid.ledger_solved (requester_ref, project_id, category_root, resolved_at, ticket_id, cycle);
COMMENT ON TABLE kpid.ledger_solved IS 'The cycles that count as solved, of the tickets that have a requester: the measure repeated looks them up.';
COMMENT ON COLUMN kpid.ledger_solved.category_root IS 'The part of the category before the first "/", with a "/" at its end; '''': the ticket has no category.';

CREATE TABLE kpid.ledger_repeat_due (
	ticket_id text COLLATE "C" PRIMARY KEY
);
COMMENT ON TABLE kpid.ledger_repeat_due IS 'Tickets whose measure repeated the current transaction has to compute. Empty once it has ended.';

CREATE TABLE kpid.ledger_state (
	is_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_only_row),
	generation integer NOT NULL DEFAULT 1,
	made_with text NOT NULL DEFAULT '',
	scanned_to xid8,
	refreshed_at timestamptz,
	as_of timestamptz
) WITH (fillfactor = 10);
COMMENT ON TABLE kpid.ledger_state IS 'How far the refresh of the ledger has come. One row, which each transaction of a refresh locks.';
COMMENT ON COLUMN kpid.ledger_state.generation IS 'Rises when all rows have to be made again.';
COMMENT ON COLUMN kpid.ledger_state.made_with IS 'The settings of this generation, as of kpid.ledger_settings().';
COMMENT ON COLUMN kpid.ledger_state.scanned_to IS 'Every ticket that a transaction before this one wrote is in the ledger. NULL: the next refresh compares all tickets.';
COMMENT ON COLUMN kpid.ledger_state.refreshed_at IS 'When the latest refresh that came to its end began.';
COMMENT ON COLUMN kpid.ledger_state.as_of IS 'How far time was known when that refresh began, and judged.';
INSERT INTO kpid.ledger_state DEFAULT VALUES;
COMMENT ON TABLE kpid.lease IS 'Work that only one instance does at a time: outbox (sends messages to Kafka), receivers (sends them over HTTP), ledger (refreshes the ledger). A lease expires unless it is renewed, so a frozen holder is replaced. A lock of PostgreSQL would last as long as the holder''s session, and anybody can take an advisory lock.';

CREATE FUNCTION kpid.ledger_settings() RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT coalesce(string_agg(s.name || ' = ' || s.value, '; ' ORDER BY s.name COLLATE "C"), '')
	FROM kpid.setting s
	WHERE s.name IN ('report.time_zone', 'kpi.fcr_window_us')
		OR s.name LIKE 'appraisal.%'
$body$;
COMMENT ON FUNCTION kpid.ledger_settings() IS 'The stored settings on which the ledger depends.';

CREATE FUNCTION kpid.day_start(day date, zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $body$
	SELECT CASE
		WHEN (day::timestamp AT TIME ZONE zone - interval '1 hour') AT TIME ZONE zone >= day::timestamp
		THEN day::timestamp AT TIME ZONE zone - interval '1 hour'
		ELSE day::timestamp AT TIME ZONE zone
	END
$body$;
COMMENT ON FUNCTION kpid.day_start(date, text) IS 'The first instant of a date, as in report.agent_kpi_daily: if midnight comes twice, the first one.';

CREATE FUNCTION kpid.day_of(at timestamptz, zone text) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE
AS $body$
	SELECT CASE
		WHEN kpid.day_start((at AT TIME ZONE zone)::date + 1, zone) <= at THEN (at AT TIME ZONE zone)::date + 1
		WHEN kpid.day_start((at AT TIME ZONE zone)::date, zone) > at THEN (at AT TIME ZONE zone)::date - 1
		ELSE (at AT TIME ZONE zone)::date
	END
$body$;
COMMENT ON FUNCTION kpid.day_of(timestamptz, text) IS 'The date in whose span an instant lies (rule C2). Where clocks go back over midnight, this is not its local date.';

GRANT SELECT, INSERT, UPDATE, DELETE ON
	kpid.ledger, kpid.ledger_item, kpid.ledger_ticket, kpid.ledger_solved, kpid.ledger_repeat_due
	TO kpid_writer;
GRANT SELECT, UPDATE ON kpid.ledger_state TO kpid_writer;
REVOKE ALL ON FUNCTION kpid.ledger_settings(), kpid.day_start(date, text), kpid.day_of(timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpid.ledger_settings(), kpid.day_start(date, text), kpid.day_of(timestamptz, text) TO kpid_writer;

CREATE VIEW report.ledger AS
SELECT
	l.day,
	l.ticket_id,
	l.agent_id,
	l.project_id,
	l.team_id,
	l.channel,
	l.category,
	l.priority,
	{{measures 28: coalesce(l.{column}, 0){scale} AS {public}}},
	{{ledger 13: coalesce(l.{column}, 0){scale} AS {public}}}
FROM kpid.ledger l;
COMMENT ON VIEW report.ledger IS 'What each ticket contributes to each agent on each day, in a project and a team. Summed up, it equals report.agent_kpi_daily of the same refresh (report.ledger_status). Filter by day.';
COMMENT ON COLUMN report.ledger.day IS 'The day in the configured time zone (report.time_zone).';
COMMENT ON COLUMN report.ledger.ticket_id IS 'The ticket.';
COMMENT ON COLUMN report.ledger.agent_id IS 'The agent; the empty text: nobody.';
COMMENT ON COLUMN report.ledger.project_id IS 'The project of the ticket at the time of the contribution; the empty text: not set.';
COMMENT ON COLUMN report.ledger.team_id IS 'The team of the ticket at the time of the contribution; the empty text: not set.';
COMMENT ON COLUMN report.ledger.channel IS 'The channel of the ticket now; the empty text: not set.';
COMMENT ON COLUMN report.ledger.category IS 'The category of the ticket now; the empty text: not set.';
COMMENT ON COLUMN report.ledger.priority IS 'The priority of the ticket now; the empty text: not set.';

DO $comments$
DECLARE
	c record;
BEGIN
	FOR c IN
		SELECT *
		FROM (
			VALUES
				{{measures 28: ('{public}', '{comment}')}},
				{{ledger 13: ('{public}', '{comment}')}}
		) AS measure (name, meaning)
	LOOP
		EXECUTE format('COMMENT ON COLUMN report.ledger.%I IS %L', c.name, c.meaning);
	END LOOP;
END
$comments$;

CREATE VIEW report.ledger_item AS
SELECT
	i.day,
	i.ticket_id,
	i.agent_id,
	i.project_id,
	i.team_id,
	i.item,
	i.kind,
	i.answered,
	i.perceived_sum,
	i.paired,
	i.gap_sum
FROM kpid.ledger_item i;
COMMENT ON VIEW report.ledger_item IS 'The answers to the items of the surveys that count. Filter by day.';
COMMENT ON COLUMN report.ledger_item.day IS 'The day of the survey in the configured time zone (report.time_zone).';
COMMENT ON COLUMN report.ledger_item.ticket_id IS 'The ticket.';
COMMENT ON COLUMN report.ledger_item.agent_id IS 'The agent of the survey; the empty text: nobody.';
COMMENT ON COLUMN report.ledger_item.project_id IS 'The project of the ticket at the time of the survey; the empty text: not set.';
COMMENT ON COLUMN report.ledger_item.team_id IS 'The team of the ticket at the time of the survey; the empty text: not set.';
COMMENT ON COLUMN report.ledger_item.item IS 'The item of the survey.';
COMMENT ON COLUMN report.ledger_item.kind IS 'The kind of the survey: csat, nps or ces.';
COMMENT ON COLUMN report.ledger_item.answered IS 'Answers.';
COMMENT ON COLUMN report.ledger_item.perceived_sum IS 'Sum of answer / scale, in millionths.';
COMMENT ON COLUMN report.ledger_item.paired IS 'Of answered: the survey says what was expected, too.';
COMMENT ON COLUMN report.ledger_item.gap_sum IS 'Sum of (answer - expected) / scale, of paired, in millionths.';

CREATE VIEW report.ledger_status AS
SELECT
	s.refreshed_at,
	s.as_of,
	(
		SELECT count(*)
		FROM kpid.ticket t
		LEFT JOIN kpid.ledger_ticket l ON l.ticket_id = t.ticket_id
		WHERE l.rev IS NULL
			OR l.rev < t.rev
			OR l.generation < s.generation
			OR s.made_with <> g.settings
	) AS behind
FROM kpid.ledger_state s
CROSS JOIN (
	-- As kpid.ledger_settings, which readers may not execute.
	SELECT coalesce(string_agg(g.name || ' = ' || g.value, '; ' ORDER BY g.name COLLATE "C"), '') AS settings
	FROM kpid.setting g
	WHERE g.name IN ('report.time_zone', 'kpi.fcr_window_us')
		OR g.name LIKE 'appraisal.%'
) g;
COMMENT ON VIEW report.ledger_status IS 'How far the ledger has come.';
COMMENT ON COLUMN report.ledger_status.refreshed_at IS 'When the latest refresh that came to its end began; NULL: none did.';
COMMENT ON COLUMN report.ledger_status.as_of IS 'How far time was known and deadlines were judged when it began; NULL: not known.';
COMMENT ON COLUMN report.ledger_status.behind IS 'Tickets whose rows are older than the ticket. Counting them reads all tickets.';

INSERT INTO kpid.readme (object, grain, time_column, example)
VALUES
	('report.ledger', 'day × ticket × agent × project × team', 'day',
		'SELECT project_id, sum(resolved) AS resolved, sum(resolution_within_sla)::numeric / nullif(sum(resolution_measured), 0) AS in_time FROM report.ledger WHERE day >= current_date - 30 GROUP BY project_id'),
	('report.ledger_item', 'day × ticket × agent × project × team × item × kind of survey', 'day',
		'SELECT item, sum(perceived_sum) * 0.000001 / sum(answered) AS perception FROM report.ledger_item WHERE day >= current_date - 30 GROUP BY item'),
	('report.ledger_status', 'one row', 'refreshed_at',
		'SELECT refreshed_at, as_of, behind FROM report.ledger_status');
