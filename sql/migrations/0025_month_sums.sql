-- Sums of the ledger per month, so that a preview reads thousands of rows instead of millions. The refresh of the ledger keeps them: in
-- the transaction that replaces the rows of tickets it notes what these added before and what they add now. A note is an insert, and
-- is cheap. From time to time the notes are added to the sums. So the sums and their notes always agree with the rows of the ledger.
--
-- Numbers of distinct tickets do not add up. So tickets are counted by what decides whether a card contains them: of one agent, team or
-- project, and of one month, the set of places where a ticket has rows. Most have one place, and are counted with its sums; for those
-- with several there is kpid.ledger_reach.

CREATE TABLE kpid.ledger_month (
	month date NOT NULL,
	agent_id text COLLATE "C" NOT NULL,
	project_id text COLLATE "C" NOT NULL,
	team_id text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	category text COLLATE "C" NOT NULL,
	priority text COLLATE "C" NOT NULL,
	n_rows numeric NOT NULL,
	n_agent numeric NOT NULL,
	n_team numeric NOT NULL,
	n_project numeric NOT NULL,
	{{measures 28: {column} numeric}},
	{{ledger 13: {column} numeric}},
	PRIMARY KEY (month, agent_id, project_id, team_id, channel, category, priority)
);
CREATE INDEX ledger_month_nothing ON kpid.ledger_month (month) WHERE n_rows = 0;
COMMENT ON TABLE kpid.ledger_month IS 'Sums of kpid.ledger per month, without kpid.ledger_month_change. NULL is 0.';
COMMENT ON COLUMN kpid.ledger_month.month IS 'The first day of the month.';
COMMENT ON COLUMN kpid.ledger_month.n_rows IS 'How many rows of the ledger.';
COMMENT ON COLUMN kpid.ledger_month.n_agent IS 'How many tickets have this as their only place of the agent (kpid.ticket_reach).';
COMMENT ON COLUMN kpid.ledger_month.n_team IS 'How many tickets have this as their only place of the team.';
COMMENT ON COLUMN kpid.ledger_month.n_project IS 'How many tickets have this as their only place of the project.';

CREATE TABLE kpid.ledger_month_change (
	LIKE kpid.ledger_month
);
COMMENT ON TABLE kpid.ledger_month_change IS 'What still has to be added to kpid.ledger_month.';

CREATE TABLE kpid.ledger_item_month (
	month date NOT NULL,
	agent_id text COLLATE "C" NOT NULL,
	project_id text COLLATE "C" NOT NULL,
	team_id text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	category text COLLATE "C" NOT NULL,
	priority text COLLATE "C" NOT NULL,
	item text COLLATE "C" NOT NULL,
	answered numeric NOT NULL,
	perceived_sum numeric NOT NULL,
	paired numeric NOT NULL,
	gap_sum numeric NOT NULL,
	PRIMARY KEY (month, agent_id, project_id, team_id, channel, category, priority, item)
);
CREATE INDEX ledger_item_month_nothing ON kpid.ledger_item_month (month) WHERE answered = 0;
COMMENT ON TABLE kpid.ledger_item_month IS 'Sums of kpid.ledger_item per month over all kinds of surveys, without kpid.ledger_item_month_change.';

CREATE TABLE kpid.ledger_item_month_change (
	LIKE kpid.ledger_item_month
);
COMMENT ON TABLE kpid.ledger_item_month_change IS 'What still has to be added to kpid.ledger_item_month.';

CREATE TYPE kpid.ledger_place AS (
	agent_id text COLLATE "C",
	project_id text COLLATE "C",
	team_id text COLLATE "C",
	channel text COLLATE "C",
	category text COLLATE "C",
	priority text COLLATE "C"
);
COMMENT ON TYPE kpid.ledger_place IS 'What plans and indicators choose rows of the ledger by, apart from the day.';

CREATE TABLE kpid.ledger_reach (
	month date NOT NULL,
	level text COLLATE "C" NOT NULL,
	subject text COLLATE "C" NOT NULL,
	places_sha256 bytea NOT NULL,
	places kpid.ledger_place[] NOT NULL,
	n bigint NOT NULL,
	PRIMARY KEY (month, level, subject, places_sha256)
);
CREATE INDEX ledger_reach_nothing ON kpid.ledger_reach (month) WHERE n = 0;
COMMENT ON TABLE kpid.ledger_reach IS 'How many tickets have rows in exactly these places, at least two, of one agent, team or project in one month, without kpid.ledger_reach_change.';
COMMENT ON COLUMN kpid.ledger_reach.level IS 'agent, team or project; subject is its id.';
COMMENT ON COLUMN kpid.ledger_reach.places_sha256 IS 'SHA-256 of the text of places: an index entry has no room for many places.';
COMMENT ON COLUMN kpid.ledger_reach.places IS 'As in kpid.ticket_reach.';

CREATE TABLE kpid.ledger_reach_change (
	month date NOT NULL,
	level text COLLATE "C" NOT NULL,
	subject text COLLATE "C" NOT NULL,
	places kpid.ledger_place[] NOT NULL,
	n bigint NOT NULL
);
COMMENT ON TABLE kpid.ledger_reach_change IS 'What still has to be added to kpid.ledger_reach.';

ALTER TABLE kpid.ledger_repeat_due
	ADD COLUMN is_taken boolean NOT NULL DEFAULT false;
COMMENT ON TABLE kpid.ledger_repeat_due IS 'Tickets whose measure repeated and whose share of the sums per month the current transaction has to compute. Empty once it has ended.';
COMMENT ON COLUMN kpid.ledger_repeat_due.is_taken IS 'Its former share was taken out of the sums.';

-- The rows of agents whose role changes within a month are read one by one.
CREATE INDEX ledger_agent_id ON kpid.ledger (agent_id, day);

-- ---- what follows from the rows of the ledger ----

CREATE VIEW kpid.ticket_reach AS
SELECT p.ticket_id, p.month, v.level, v.subject, array_agg(p.place ORDER BY p.place) AS places
FROM (
	SELECT
		l.ticket_id,
		date_trunc('month', l.day::timestamp)::date AS month,
		l.agent_id,
		l.project_id,
		l.team_id,
		ROW(l.agent_id, l.project_id, l.team_id, l.channel, l.category, l.priority)::kpid.ledger_place AS place,
		bool_or(l.agent_id = '') OVER (
			PARTITION BY l.ticket_id, date_trunc('month', l.day::timestamp)::date, l.project_id, l.team_id, l.channel, l.category, l.priority
		) AS is_for_all
	FROM kpid.ledger l
	GROUP BY l.ticket_id, date_trunc('month', l.day::timestamp)::date, l.agent_id, l.project_id, l.team_id, l.channel, l.category, l.priority
) p
CROSS JOIN LATERAL (VALUES ('agent', p.agent_id), ('team', p.team_id), ('project', p.project_id)) v (level, subject)
WHERE v.subject <> '' AND (v.level = 'agent' OR p.agent_id = '' OR NOT p.is_for_all)
GROUP BY p.ticket_id, p.month, v.level, v.subject;
COMMENT ON VIEW kpid.ticket_reach IS 'The places of each ticket by month and agent, team or project. Of a team or project without agents where nobody has a row in the same place: every plan that takes their rows takes that of nobody (rule I2). Filter by ticket_id.';

CREATE VIEW kpid.ledger_month_due AS
SELECT
	m.month, m.agent_id, m.project_id, m.team_id, m.channel, m.category, m.priority,
	sum(m.n_rows) AS n_rows, sum(m.n_agent) AS n_agent, sum(m.n_team) AS n_team, sum(m.n_project) AS n_project,
	{{measures 28: nullif(sum(m.{column}), 0) AS {column}}},
	{{ledger 13: nullif(sum(m.{column}), 0) AS {column}}}
FROM (
	SELECT
		date_trunc('month', l.day::timestamp)::date AS month, l.agent_id, l.project_id, l.team_id, l.channel, l.category, l.priority,
		1::numeric AS n_rows, 0::numeric AS n_agent, 0::numeric AS n_team, 0::numeric AS n_project,
		{{measures 28: l.{column}}},
		{{ledger 13: l.{column}}}
	FROM kpid.ledger l
	UNION ALL
	SELECT
		r.month, p.agent_id, p.project_id, p.team_id, p.channel, p.category, p.priority,
		0, (r.level = 'agent')::integer, (r.level = 'team')::integer, (r.level = 'project')::integer,
		{{measures 28: NULL}},
		{{ledger 13: NULL}}
	FROM kpid.ticket_reach r
	CROSS JOIN LATERAL unnest(r.places) AS p
	WHERE cardinality(r.places) = 1
) m
GROUP BY 1, 2, 3, 4, 5, 6, 7;
COMMENT ON VIEW kpid.ledger_month_due IS 'What kpid.ledger_month_now should have.';

CREATE VIEW kpid.ledger_item_month_due AS
SELECT
	date_trunc('month', i.day::timestamp)::date AS month, i.agent_id, i.project_id, i.team_id, l.channel, l.category, l.priority, i.item,
	sum(i.answered) AS answered, sum(i.perceived_sum) AS perceived_sum, sum(i.paired) AS paired, sum(i.gap_sum) AS gap_sum
FROM kpid.ledger_item i
JOIN kpid.ledger l USING (day, ticket_id, agent_id, project_id, team_id)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
COMMENT ON VIEW kpid.ledger_item_month_due IS 'What kpid.ledger_item_month_now should have.';

CREATE VIEW kpid.ledger_reach_due AS
SELECT t.month, t.level, t.subject, t.places, count(*) AS n
FROM kpid.ticket_reach t
WHERE cardinality(t.places) > 1
GROUP BY t.month, t.level, t.subject, t.places;
COMMENT ON VIEW kpid.ledger_reach_due IS 'What kpid.ledger_reach_now should have.';

-- ---- the sums with what still has to be added to them ----

CREATE VIEW kpid.ledger_month_now AS
SELECT
	m.month, m.agent_id, m.project_id, m.team_id, m.channel, m.category, m.priority,
	sum(m.n_rows) AS n_rows, sum(m.n_agent) AS n_agent, sum(m.n_team) AS n_team, sum(m.n_project) AS n_project,
	{{measures 28: nullif(sum(m.{column}), 0) AS {column}}},
	{{ledger 13: nullif(sum(m.{column}), 0) AS {column}}}
FROM (
	SELECT * FROM kpid.ledger_month
	UNION ALL
	SELECT * FROM kpid.ledger_month_change
) m
GROUP BY 1, 2, 3, 4, 5, 6, 7
HAVING sum(m.n_rows) <> 0;
COMMENT ON VIEW kpid.ledger_month_now IS 'The sums of the ledger per month. Filter by month.';

CREATE VIEW kpid.ledger_item_month_now AS
SELECT
	m.month, m.agent_id, m.project_id, m.team_id, m.channel, m.category, m.priority, m.item,
	sum(m.answered) AS answered, sum(m.perceived_sum) AS perceived_sum, sum(m.paired) AS paired, sum(m.gap_sum) AS gap_sum
FROM (
	SELECT * FROM kpid.ledger_item_month
	UNION ALL
	SELECT * FROM kpid.ledger_item_month_change
) m
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
HAVING sum(m.answered) <> 0;
COMMENT ON VIEW kpid.ledger_item_month_now IS 'The sums of the survey items per month. Filter by month.';

CREATE VIEW kpid.ledger_reach_now AS
SELECT r.month, r.level, r.subject, r.places, sum(r.n) AS n
FROM (
	SELECT month, level, subject, places, n FROM kpid.ledger_reach
	UNION ALL
	SELECT month, level, subject, places, n FROM kpid.ledger_reach_change
) r
GROUP BY r.month, r.level, r.subject, r.places
HAVING sum(r.n) <> 0;
COMMENT ON VIEW kpid.ledger_reach_now IS 'The numbers of tickets per month. Filter by month.';

CREATE FUNCTION kpid.remake_ledger_months() RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
SET work_mem = '64MB'
AS $body$
	DELETE FROM kpid.ledger_month_change;
	DELETE FROM kpid.ledger_item_month_change;
	DELETE FROM kpid.ledger_reach_change;
	DELETE FROM kpid.ledger_month;
	DELETE FROM kpid.ledger_item_month;
	DELETE FROM kpid.ledger_reach;
	INSERT INTO kpid.ledger_month SELECT * FROM kpid.ledger_month_due;
	INSERT INTO kpid.ledger_item_month SELECT * FROM kpid.ledger_item_month_due;
	INSERT INTO kpid.ledger_reach (month, level, subject, places_sha256, places, n)
	SELECT d.month, d.level, d.subject, sha256(convert_to(d.places::text, 'UTF8')), d.places, d.n
	FROM kpid.ledger_reach_due d
$body$;
COMMENT ON FUNCTION kpid.remake_ledger_months() IS 'Makes the sums per month again, from the rows of the ledger. Lock kpid.ledger_state first.';

GRANT SELECT, INSERT, UPDATE, DELETE ON
	kpid.ledger_month, kpid.ledger_month_change, kpid.ledger_item_month, kpid.ledger_item_month_change, kpid.ledger_reach,
	kpid.ledger_reach_change
	TO kpid_writer;
GRANT SELECT ON
	kpid.ticket_reach, kpid.ledger_month_due, kpid.ledger_item_month_due, kpid.ledger_reach_due, kpid.ledger_month_now,
	kpid.ledger_item_month_now, kpid.ledger_reach_now
	TO kpid_writer;
REVOKE ALL ON FUNCTION kpid.remake_ledger_months() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpid.remake_ledger_months() TO kpid_writer;

SELECT kpid.remake_ledger_months();
