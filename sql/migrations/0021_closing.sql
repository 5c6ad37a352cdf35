-- Closing a period, and what comes after (rules Z of docs/appraisal.md). Closing freezes the rows of the ledger that the plans
-- take, and computes the cards from these frozen rows by the functions of 0016_scores.sql. So everything that is shown of a
-- closed period can be computed again from what is stored with it.
--
-- Rows of these tables never change: later facts add rows.

CREATE TABLE appraisal.closing (
	closing_no integer PRIMARY KEY,
	key text COLLATE "C" NOT NULL,
	version integer NOT NULL CHECK (version >= 1),
	cycle text NOT NULL,
	first date NOT NULL,
	last date NOT NULL,
	begins_at timestamptz NOT NULL,
	ends_at timestamptz NOT NULL,
	time_zone text NOT NULL,
	as_of timestamptz,
	settings text NOT NULL,
	revision_no integer NOT NULL REFERENCES appraisal.plan_revision,
	revision_sha256 bytea NOT NULL,
	announced_late boolean NOT NULL,
	early boolean NOT NULL,
	closed_at timestamptz NOT NULL,
	closed_by text NOT NULL CHECK (length(closed_by) BETWEEN 1 AND 200),
	login text NOT NULL,
	why text NOT NULL CHECK (length(why) BETWEEN 1 AND 2000),
	digest bytea NOT NULL,
	UNIQUE (key, version)
);
COMMENT ON TABLE appraisal.closing IS 'Closed periods (rule Z3). Version 1 is the closing; each restatement adds the next one (rule Z7).';
COMMENT ON COLUMN appraisal.closing.as_of IS 'How far time was known; NULL: it was not known (only if early).';
COMMENT ON COLUMN appraisal.closing.settings IS 'The settings with which the ledger was made (rule L5).';
COMMENT ON COLUMN appraisal.closing.early IS 'Whether somebody closed it without waiting for its end and settle.';
COMMENT ON COLUMN appraisal.closing.closed_by IS 'The person, as entered. login is the role of PostgreSQL that did it.';
COMMENT ON COLUMN appraisal.closing.digest IS 'SHA-256 of the cards and their indicators as closed (version 1), as docs/appraisal.md describes.';

CREATE TABLE appraisal.closed_row (
	closing_no integer NOT NULL,
	plan_no integer NOT NULL,
	ticket_id text COLLATE "C" NOT NULL,
	agent_id text COLLATE "C" NOT NULL,
	project_id text COLLATE "C" NOT NULL,
	team_id text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	category text COLLATE "C" NOT NULL,
	priority text COLLATE "C" NOT NULL,
	{{measures 28: {column} bigint}},
	{{ledger 13: {column} bigint}}
);
CREATE INDEX closed_row_agent ON appraisal.closed_row (closing_no, agent_id);
COMMENT ON TABLE appraisal.closed_row IS 'The rows of the ledger behind the cards of a closed period, without days, by the plan that took them. NULL is 0.';
COMMENT ON COLUMN appraisal.closed_row.plan_no IS 'The number of the plan in its revision, from 1.';

CREATE TABLE appraisal.closed_item (
	closing_no integer NOT NULL,
	plan_no integer NOT NULL,
	ticket_id text COLLATE "C" NOT NULL,
	agent_id text COLLATE "C" NOT NULL,
	project_id text COLLATE "C" NOT NULL,
	team_id text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	category text COLLATE "C" NOT NULL,
	priority text COLLATE "C" NOT NULL,
	item text COLLATE "C" NOT NULL,
	kind text COLLATE "C" NOT NULL,
	answered bigint NOT NULL,
	perceived_sum bigint NOT NULL,
	paired bigint NOT NULL,
	gap_sum bigint NOT NULL
);
CREATE INDEX closed_item_agent ON appraisal.closed_item (closing_no, agent_id);
COMMENT ON TABLE appraisal.closed_item IS 'The answers to the items of surveys behind the cards of a closed period, as in kpid.ledger_item, without days.';

CREATE TABLE appraisal.closed_manual (
	closing_no integer NOT NULL,
	plan_no integer NOT NULL,
	item_no integer NOT NULL,
	level text COLLATE "C" NOT NULL,
	subject text COLLATE "C" NOT NULL,
	above numeric NOT NULL,
	under numeric NOT NULL,
	PRIMARY KEY (closing_no, plan_no, level, subject, item_no)
);
COMMENT ON TABLE appraisal.closed_manual IS 'What people had entered for the cards of a closed period (rule Z6).';

CREATE TABLE appraisal.closed_pool (
	closing_no integer NOT NULL,
	plan_no integer NOT NULL,
	item_no integer NOT NULL,
	stratum text[] COLLATE "C" NOT NULL,
	pool text[] COLLATE "C" NOT NULL,
	above numeric,
	under numeric,
	all_above numeric,
	all_under numeric,
	PRIMARY KEY (closing_no, plan_no, item_no, stratum)
);
COMMENT ON TABLE appraisal.closed_pool IS 'The reference of the case mix of a closed period (rule J2): of each stratum the sums of its pool, and of everything.';

CREATE TABLE appraisal.closed_card (
	closing_no integer NOT NULL,
	plan_no integer NOT NULL,
	plan text COLLATE "C" NOT NULL,
	level text COLLATE "C" NOT NULL,
	subject text COLLATE "C" NOT NULL,
	version integer NOT NULL CHECK (version >= 1),
	adjustment_no bigint,
	made_at timestamptz NOT NULL,
	status text NOT NULL,
	weight numeric NOT NULL,
	from_events numeric NOT NULL,
	by_hand numeric NOT NULL,
	base_score numeric,
	score numeric,
	low numeric,
	high numeric,
	grade text COLLATE "C",
	coefficient numeric,
	rank bigint,
	best bigint,
	worst bigint,
	ranked bigint,
	dimensions jsonb NOT NULL,
	gaps jsonb NOT NULL,
	flags jsonb NOT NULL,
	PRIMARY KEY (closing_no, plan_no, level, subject, version),
	CHECK ((version = 1) = (adjustment_no IS NULL))
);
COMMENT ON TABLE appraisal.closed_card IS 'The cards of closed periods. Version 1 is the card as closed; each adjustment adds the next version (rule Z5).';
COMMENT ON COLUMN appraisal.closed_card.adjustment_no IS 'The adjustment that made this version; NULL: the card as closed.';
COMMENT ON COLUMN appraisal.closed_card.from_events IS 'How much of weight came from events, and not from manual entries (rule Z6).';
COMMENT ON COLUMN appraisal.closed_card.by_hand IS 'The points by hand in force.';
COMMENT ON COLUMN appraisal.closed_card.rank IS 'As closed, as best, worst and ranked; NULL in later versions. appraisal.latest_card ranks the latest versions.';

CREATE TABLE appraisal.closed_indicator (
	closing_no integer NOT NULL,
	plan_no integer NOT NULL,
	level text COLLATE "C" NOT NULL,
	subject text COLLATE "C" NOT NULL,
	version integer NOT NULL,
	item_no integer NOT NULL,
	name text COLLATE "C" NOT NULL,
	above numeric,
	base numeric,
	n numeric NOT NULL,
	value numeric,
	expected numeric,
	adjusted numeric,
	status text NOT NULL,
	points numeric,
	weight numeric NOT NULL,
	low numeric,
	high numeric,
	PRIMARY KEY (closing_no, plan_no, level, subject, version, item_no)
);
COMMENT ON TABLE appraisal.closed_indicator IS 'The indicators of the cards of closed periods, of each version.';

CREATE TABLE appraisal.adjustment (
	adjustment_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key text COLLATE "C" NOT NULL,
	plan text COLLATE "C" NOT NULL,
	level text COLLATE "C" NOT NULL,
	subject text COLLATE "C" NOT NULL,
	kind text NOT NULL CHECK (kind IN ('exclude', 'points', 'undo')),
	ticket_id text COLLATE "C",
	indicator text COLLATE "C",
	points numeric CHECK (points <> 0 AND points = round(points, 2)),
	undoes bigint REFERENCES appraisal.adjustment,
	appeal_no bigint,
	adjusted_at timestamptz NOT NULL,
	adjusted_by text NOT NULL CHECK (length(adjusted_by) BETWEEN 1 AND 200),
	login text NOT NULL,
	why text NOT NULL CHECK (length(why) BETWEEN 1 AND 2000),
	CHECK ((kind = 'exclude') = (ticket_id IS NOT NULL)),
	CHECK (kind = 'exclude' OR indicator IS NULL),
	CHECK ((kind = 'points') = (points IS NOT NULL)),
	CHECK ((kind = 'undo') = (undoes IS NOT NULL)),
	CHECK (undoes < adjustment_no)
);
CREATE INDEX adjustment_card ON appraisal.adjustment (key, plan, level, subject);
COMMENT ON TABLE appraisal.adjustment IS 'Changes of closed cards, by people (rule Z5). They belong to the card of the period, whatever its version.';
COMMENT ON COLUMN appraisal.adjustment.indicator IS 'Of an exclude: the indicator that the ticket leaves; NULL: all.';
COMMENT ON COLUMN appraisal.adjustment.appeal_no IS 'The appeal that led to it; NULL: none.';

ALTER TABLE appraisal.manual_entry
	ADD COLUMN login text;
COMMENT ON COLUMN appraisal.manual_entry.login IS 'The role of PostgreSQL that entered it.';

CREATE FUNCTION appraisal.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format(
		'rows of %I.%I never change; add one', TG_TABLE_SCHEMA, TG_TABLE_NAME);
END
$body$;
COMMENT ON FUNCTION appraisal.refuse_change() IS 'The trigger of tables to which rows are only ever added.';

DO $triggers$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['plan_revision', 'manual_entry', 'closing', 'closed_row', 'closed_item', 'closed_manual', 'closed_pool',
		'closed_card', 'closed_indicator', 'adjustment']
	LOOP
		EXECUTE format('CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON appraisal.%I FOR EACH ROW EXECUTE FUNCTION appraisal.refuse_change()', name);
		EXECUTE format('CREATE TRIGGER is_never_emptied BEFORE TRUNCATE ON appraisal.%I FOR EACH STATEMENT EXECUTE FUNCTION appraisal.refuse_change()', name);
	END LOOP;
END
$triggers$;

CREATE VIEW appraisal.closed_ledger AS
SELECT
	r.closing_no, r.plan_no, r.ticket_id, r.agent_id, r.project_id, r.team_id, r.channel, r.category, r.priority,
	{{measures 28: coalesce(r.{column}, 0){scale} AS {public}}},
	{{ledger 13: coalesce(r.{column}, 0){scale} AS {public}}}
FROM appraisal.closed_row r;
COMMENT ON VIEW appraisal.closed_ledger IS 'appraisal.closed_row with the columns of report.ledger.';

-- ---- who calls ----

CREATE FUNCTION appraisal.callers() RETURNS text[]
LANGUAGE sql STABLE
AS $body$
	SELECT array_remove(ARRAY[session_user::text, nullif(current_setting('role'), 'none')], NULL)
$body$;
COMMENT ON FUNCTION appraisal.callers() IS 'The login of the session and the role that was SET: names under which nobody may act for himself.';

CREATE FUNCTION appraisal.is_caller(agent text) RETURNS boolean
LANGUAGE sql STABLE
AS $body$
	SELECT EXISTS (SELECT FROM appraisal.roster r WHERE r.agent_id = agent AND r.login <> '' AND r.login = ANY (appraisal.callers()))
$body$;
COMMENT ON FUNCTION appraisal.is_caller(text) IS 'Whether the caller is this agent, by the roster.';

CREATE FUNCTION appraisal.hr_login() RETURNS text
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	-- A group is no person: what is done after SET ROLE kpid_hr is recorded for the login of the session.
	login text := coalesce(
		(SELECT r.rolname::text FROM pg_roles r WHERE r.rolname = current_setting('role') AND r.rolcanlogin), session_user::text);
BEGIN
	IF NOT pg_has_role(login::name, 'kpid_hr', 'MEMBER') THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('%s is no member of kpid_hr', login);
	END IF;
	RETURN login;
END
$body$;
COMMENT ON FUNCTION appraisal.hr_login() IS 'The login of kpid_hr that calls: the role that was SET if it can log in, otherwise that of the session.';

CREATE FUNCTION appraisal.check_record(who text, why text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	IF coalesce(length(btrim(who)), 0) NOT BETWEEN 1 AND 200 THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'name the person, in 1 to 200 characters';
	ELSIF coalesce(length(btrim(why)), 0) NOT BETWEEN 1 AND 2000 THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'give a reason, in 1 to 2,000 characters';
	END IF;
END
$body$;
COMMENT ON FUNCTION appraisal.check_record(text, text) IS 'Refuses an act without the name of a person or without a reason.';

-- ---- the rows that the plans take ----

CREATE FUNCTION appraisal.taking_sql(revision jsonb, cycle text, first date, last date, source text, columns text) RETURNS text
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	default_nos integer[] := ARRAY(
		SELECT p.plan_no
		FROM appraisal.plans_of(revision, cycle) AS p
		WHERE p.plan -> 'roles' ? ''
	);
	cases text;
BEGIN
	SELECT string_agg(format('WHEN %s%s THEN %s', appraisal.match_sql('l', p.plan -> 'match'),
		CASE WHEN p.plan ? 'roles'
			THEN format(' AND (l.agent_id = '''' OR %s = ANY (coalesce(r.plan_nos, %L::integer[])))', p.plan_no, default_nos)
			ELSE '' END, p.plan_no), ' ' ORDER BY p.plan_no)
	INTO cases
	FROM appraisal.plans_of(revision, cycle) AS p;
	RETURN format('SELECT CASE %s END AS plan_no, l.day, l.ticket_id, l.agent_id, l.project_id, l.team_id, l.channel, l.category, l.priority%s'
		' FROM %s l LEFT JOIN (%s) r ON r.agent_id = l.agent_id AND r.day = l.day WHERE l.day BETWEEN %L AND %L',
		cases, columns, source,
		coalesce(appraisal.roles_sql(revision, cycle, first, last),
			'SELECT NULL::text AS agent_id, NULL::date AS day, NULL::integer[] AS plan_nos WHERE false'),
		first, last);
END
$body$;
COMMENT ON FUNCTION appraisal.taking_sql(jsonb, text, date, date, text, text) IS 'A query: the rows of a ledger with the plan that takes each (rule I2), NULL if none does, and some of its columns.';

CREATE OR REPLACE FUNCTION appraisal.rows_sql(revision jsonb, cycle text, first date, last date, names text[]) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT appraisal.taking_sql(revision, cycle, first, last, 'report.ledger',
		(SELECT string_agg(format(', l.%I', c.name), '' ORDER BY c.name) FROM unnest(names) AS c (name)))
$body$;

CREATE FUNCTION appraisal.raw_rows_sql(revision jsonb, cycle text, first date, last date) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT 'SELECT * FROM (' || appraisal.taking_sql(revision, cycle, first, last, 'kpid.ledger',
		', {{measures 28: l.{column}}}'
		', {{ledger 13: l.{column}}}') || ') t WHERE t.plan_no IS NOT NULL'
$body$;
COMMENT ON FUNCTION appraisal.raw_rows_sql(jsonb, text, date, date) IS 'A query: the rows of kpid.ledger that plans take, with all measures.';

CREATE FUNCTION appraisal.row_sums_sql(rows text) RETURNS text
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT 'SELECT t.plan_no, t.ticket_id, t.agent_id, t.project_id, t.team_id, t.channel, t.category, t.priority,'
		' {{measures 28: nullif(sum(t.{column}), 0)::bigint}},'
		' {{ledger 13: nullif(sum(t.{column}), 0)::bigint}}'
		' FROM ' || rows || ' t GROUP BY t.plan_no, t.ticket_id, t.agent_id, t.project_id, t.team_id, t.channel, t.category, t.priority'
$body$;
COMMENT ON FUNCTION appraisal.row_sums_sql(text) IS 'A query: rows that a plan takes, without their days, in the form of appraisal.closed_row.';

CREATE FUNCTION appraisal.item_sums_sql(rows text, first date, last date) RETURNS text
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT format('SELECT r.plan_no, i.ticket_id, i.agent_id, i.project_id, i.team_id, r.channel, r.category, r.priority, i.item, i.kind,'
		' sum(i.answered)::bigint, sum(i.perceived_sum)::bigint, sum(i.paired)::bigint, sum(i.gap_sum)::bigint'
		' FROM kpid.ledger_item i JOIN %s r ON r.day = i.day AND r.ticket_id = i.ticket_id AND r.agent_id = i.agent_id'
		' AND r.project_id = i.project_id AND r.team_id = i.team_id WHERE i.day BETWEEN %L AND %L'
		' GROUP BY r.plan_no, i.ticket_id, i.agent_id, i.project_id, i.team_id, r.channel, r.category, r.priority, i.item, i.kind',
		rows, first, last)
$body$;
COMMENT ON FUNCTION appraisal.item_sums_sql(text, date, date) IS 'A query: the survey items of rows that a plan takes, in the form of appraisal.closed_item.';

CREATE FUNCTION appraisal.source_from_sql(revision jsonb, cycle text, taken text, items text, by_ticket boolean) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT format('WITH taken AS (%s), items AS (%s), cells AS MATERIALIZED (%s) ', taken, items,
		appraisal.cells_sql(appraisal.columns_of(revision, cycle, appraisal.dimensions_of(revision)), appraisal.dimensions_of(revision),
			'plan_no, agent_id, project_id, team_id, channel, category, priority' || CASE WHEN by_ticket THEN ', ticket_id' ELSE '' END))
$body$;
COMMENT ON FUNCTION appraisal.source_from_sql(jsonb, text, text, text, boolean) IS 'The beginning of a query, as appraisal.source_sql, over rows and items of one''s own.';

CREATE FUNCTION appraisal.closed_source_sql(closing_no integer, revision jsonb, cycle text, by_ticket boolean, condition text) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT appraisal.source_from_sql(revision, cycle,
		format('SELECT r.plan_no, r.ticket_id, r.agent_id, r.project_id, r.team_id, r.channel, r.category, r.priority%s'
			' FROM appraisal.closed_ledger r WHERE r.closing_no = %s AND %s',
			(SELECT string_agg(format(', r.%I', n.name), '' ORDER BY n.name)
				FROM unnest(appraisal.columns_of(revision, cycle, appraisal.dimensions_of(revision))) AS n (name)
				WHERE n.name !~ '^q\d+_'),
			closing_no, condition),
		format('SELECT i.plan_no, i.ticket_id, i.agent_id, i.project_id, i.team_id, i.channel, i.category, i.priority, %s AS dimension,'
			' i.answered, i.perceived_sum * 0.000001 AS perceived_sum, i.paired, i.gap_sum * 0.000001 AS gap_sum'
			' FROM (SELECT r.* FROM appraisal.closed_item r WHERE r.closing_no = %s AND %s) i',
			appraisal.dimension_sql(revision -> 'servqual'), closing_no, condition),
		by_ticket)
$body$;
COMMENT ON FUNCTION appraisal.closed_source_sql(integer, jsonb, text, boolean, text) IS 'The beginning of a query, as appraisal.source_sql, over the frozen rows (alias r) that satisfy a condition.';

CREATE FUNCTION appraisal.live_source_sql(revision jsonb, cycle text, first date, last date, tickets text[]) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT appraisal.source_from_sql(revision, cycle,
		format('SELECT * FROM (%s AND l.ticket_id = ANY (%L::text[])) t WHERE t.plan_no IS NOT NULL',
			appraisal.rows_sql(revision, cycle, first, last, ARRAY(
				SELECT n.name
				FROM unnest(appraisal.columns_of(revision, cycle, appraisal.dimensions_of(revision))) AS n (name)
				WHERE n.name !~ '^q\d+_')), tickets),
		format('SELECT r.plan_no, r.ticket_id, r.agent_id, r.project_id, r.team_id, r.channel, r.category, r.priority, %s AS dimension,'
			' i.answered, i.perceived_sum * 0.000001 AS perceived_sum, i.paired, i.gap_sum * 0.000001 AS gap_sum'
			' FROM (SELECT * FROM report.ledger_item WHERE day BETWEEN %L AND %L AND ticket_id = ANY (%L::text[])) i'
			' JOIN taken r USING (day, ticket_id, agent_id, project_id, team_id)',
			appraisal.dimension_sql(revision -> 'servqual'), first, last, tickets),
		true)
$body$;
COMMENT ON FUNCTION appraisal.live_source_sql(jsonb, text, date, date, text[]) IS 'The beginning of a query, as appraisal.source_sql, over the rows of some tickets as the ledger has them now.';

-- ---- facts and documents ----

CREATE FUNCTION appraisal.closed_facts(closing_no integer, revision jsonb, cycle text) RETURNS SETOF appraisal.fact
LANGUAGE plpgsql STABLE
AS $body$
BEGIN
	RETURN QUERY EXECUTE appraisal.closed_source_sql(closing_no, revision, cycle, false, 'true') || (
		SELECT string_agg(appraisal.plan_sql(p.plan_no, p.plan, appraisal.dimensions_of(revision)), ' UNION ALL ')
		FROM appraisal.plans_of(revision, cycle) AS p
	);
	RETURN QUERY
		SELECT m.plan_no, 'manual', m.item_no, m.level, m.subject, '{}'::text[], m.above, m.under
		FROM appraisal.closed_manual m
		WHERE m.closing_no = $1;
END
$body$;
COMMENT ON FUNCTION appraisal.closed_facts(integer, jsonb, text) IS 'The sums of all cards of a closed period, from its frozen rows.';

CREATE FUNCTION appraisal.closed_pools(closing_no integer) RETURNS SETOF appraisal.pool
LANGUAGE sql STABLE
AS $body$
	SELECT p.plan_no, p.item_no, p.stratum, p.pool, p.above, p.under, p.all_above, p.all_under
	FROM appraisal.closed_pool p
	WHERE p.closing_no = $1
$body$;
COMMENT ON FUNCTION appraisal.closed_pools(integer) IS 'The frozen reference of a closed period.';

CREATE OR REPLACE FUNCTION appraisal.card_documents(
	revision jsonb, cycle text, facts appraisal.fact[], results appraisal.result[], cards appraisal.card[])
RETURNS TABLE (plan_no integer, document jsonb)
LANGUAGE sql IMMUTABLE
AS $body$
	WITH indicators AS (
		SELECT
			r.plan_no, r.level, r.subject,
			coalesce(sum(r.weight) FILTER (WHERE r.status = 'scored' AND NOT u.is_manual), 0) AS from_events,
			jsonb_agg(jsonb_build_object(
				'name', u.name, 'above', r.above, 'base', CASE WHEN u.is_quotient OR u.is_manual THEN r.under END, 'n', r.n, 'value', r.value,
				'expected', r.expected, 'adjusted', r.adjusted, 'status', r.status, 'points', r.points, 'weight', r.weight,
				'low', r.low, 'high', r.high) ORDER BY r.item_no) AS list
		FROM unnest(results) AS r
		JOIN appraisal.rules_of(revision, cycle) AS u ON u.plan_no = r.plan_no AND u.item_no = r.item_no
		GROUP BY r.plan_no, r.level, r.subject
	), dimensions AS (
		SELECT d.plan_no, d.level, d.subject, jsonb_agg(jsonb_build_object('name', d.dimension, 'score', d.score) ORDER BY d.first_no) AS list
		FROM (
			SELECT
				r.plan_no, r.level, r.subject, r.dimension, min(r.item_no) AS first_no,
				appraisal.rounded(appraisal.quotient(100 * sum(r.points), sum(r.weight) FILTER (WHERE r.status = 'scored')), 2) AS score
			FROM unnest(results) AS r
			WHERE r.dimension IS NOT NULL
			GROUP BY r.plan_no, r.level, r.subject, r.dimension
		) d
		GROUP BY d.plan_no, d.level, d.subject
	), gaps AS (
		SELECT g.plan_no, g.level, g.subject, jsonb_agg(jsonb_build_object(
			'dimension', g.dimension, 'answered', g.answered, 'perception', appraisal.rounded(appraisal.quotient(g.perceived, g.answered), 6),
			'paired', g.paired, 'gap', appraisal.rounded(appraisal.quotient(g.gap, g.paired), 6)) ORDER BY g.dimension COLLATE "C") AS list
		FROM (
			SELECT
				f.plan_no, f.level, f.subject, f.stratum[1] AS dimension,
				sum(f.above) FILTER (WHERE f.kind = 'perception') AS perceived,
				sum(f.under) FILTER (WHERE f.kind = 'perception') AS answered,
				sum(f.above) FILTER (WHERE f.kind = 'gap') AS gap,
				sum(f.under) FILTER (WHERE f.kind = 'gap') AS paired
			FROM unnest(facts) AS f
			WHERE f.kind IN ('perception', 'gap')
			GROUP BY f.plan_no, f.level, f.subject, f.stratum[1]
		) g
		GROUP BY g.plan_no, g.level, g.subject
	), flags AS (
		SELECT f.plan_no, f.subject, jsonb_agg(jsonb_build_object(
			'name', f.name, 'mark', f.x, 'per', f.n, 'others_mark', f.others_x, 'others_per', f.others_n, 'low', f.low,
			'raised', f.is_raised) ORDER BY f.item_no) AS list
		FROM appraisal.flags(revision, cycle, facts) AS f
		GROUP BY f.plan_no, f.subject
	)
	SELECT c.plan_no, jsonb_agg(jsonb_build_object(
		'level', c.level, 'subject', c.subject, 'status', c.status, 'weight', c.weight, 'from_events', i.from_events,
		'base_score', c.base_score, 'score', c.score,
		'low', c.low, 'high', c.high, 'grade', g.name, 'coefficient', g.coefficient, 'rank', c.rank, 'best', c.best, 'worst', c.worst,
		'ranked', c.n_ranked, 'indicators', i.list, 'dimensions', coalesce(d.list, '[]'), 'gaps', coalesce(q.list, '[]'),
		'flags', coalesce(f.list, '[]')) ORDER BY array_position(ARRAY['agent', 'team', 'project'], c.level), c.rank, c.subject COLLATE "C")
	FROM unnest(cards) AS c
	JOIN appraisal.plans_of(revision, cycle) AS p ON p.plan_no = c.plan_no
	LEFT JOIN indicators i ON i.plan_no = c.plan_no AND i.level = c.level AND i.subject = c.subject
	LEFT JOIN dimensions d ON d.plan_no = c.plan_no AND d.level = c.level AND d.subject = c.subject
	LEFT JOIN gaps q ON q.plan_no = c.plan_no AND q.level = c.level AND q.subject = c.subject
	LEFT JOIN flags f ON f.plan_no = c.plan_no AND f.subject = c.subject AND c.level = 'agent'
	LEFT JOIN LATERAL appraisal.grades_of(p.plan) AS g ON g.grade_no = c.grade_no
	GROUP BY c.plan_no
$body$;

-- As before, with the points by hand of rule R5. They are given where one card is computed again.
CREATE FUNCTION appraisal.cards(revision jsonb, cycle text, results appraisal.result[], by_hand numeric) RETURNS SETOF appraisal.card
LANGUAGE sql IMMUTABLE
AS $body$
	WITH plans AS MATERIALIZED (
		SELECT p.plan_no, coalesce(appraisal.number(p.plan -> 'min_weight'), 60) AS min_weight
		FROM appraisal.plans_of(revision, cycle) AS p
	), grades AS MATERIALIZED (
		SELECT p.plan_no, g.grade_no, g.at_least
		FROM appraisal.plans_of(revision, cycle) AS p
		CROSS JOIN LATERAL appraisal.grades_of(p.plan) AS g
	), scored AS MATERIALIZED (
		SELECT
			r.plan_no,
			r.level,
			r.subject,
			coalesce(sum(r.weight) FILTER (WHERE r.status = 'scored'), 0) AS weight,
			appraisal.rounded(appraisal.quotient(100 * sum(r.points), sum(r.weight) FILTER (WHERE r.status = 'scored')), 2) AS base_score,
			sqrt(round(sum(r.fall * r.fall), 60)) AS fall,
			sqrt(round(sum(r.rise * r.rise), 60)) AS rise,
			max(r.limit_grade_no) AS limit_grade_no
		FROM unnest(results) AS r
		GROUP BY r.plan_no, r.level, r.subject
	), cut AS MATERIALIZED (
		SELECT
			s.plan_no,
			s.level,
			s.subject,
			s.weight,
			s.limit_grade_no,
			q.base_score,
			round(100 * appraisal.clipped((q.base_score + by_hand) * 0.01), 2) AS score,
			round(100 * appraisal.clipped(
				(appraisal.rounded(q.base_score - appraisal.quotient(100 * s.fall, s.weight), 2) + by_hand) * 0.01), 2) AS low,
			round(100 * appraisal.clipped(
				(appraisal.rounded(q.base_score + appraisal.quotient(100 * s.rise, s.weight), 2) + by_hand) * 0.01), 2) AS high
		FROM scored s
		JOIN plans p ON p.plan_no = s.plan_no
		CROSS JOIN LATERAL (
			SELECT CASE WHEN s.weight >= p.min_weight THEN s.base_score END AS base_score
		) q
	), compared AS (
		SELECT
			c.plan_no,
			c.level,
			count(*) AS n,
			array_agg(c.low ORDER BY c.low) AS lows,
			array_agg(-c.high ORDER BY -c.high) AS highs
		FROM cut c
		WHERE c.score IS NOT NULL
		GROUP BY c.plan_no, c.level
	)
	SELECT
		c.plan_no,
		c.level,
		c.subject,
		CASE WHEN c.score IS NULL THEN 'insufficient' ELSE 'scored' END,
		c.weight,
		c.base_score,
		c.score,
		c.low,
		c.high,
		CASE WHEN c.score IS NOT NULL THEN greatest(c.limit_grade_no, (
			SELECT min(g.grade_no)
			FROM grades g
			WHERE g.plan_no = c.plan_no AND (g.at_least IS NULL OR c.score >= g.at_least)
		)) END,
		CASE WHEN c.score IS NOT NULL THEN rank() OVER (PARTITION BY c.plan_no, c.level ORDER BY c.score DESC NULLS LAST) END,
		-- Those whose low is at most my high are not better; those whose high is at least my low are not worse.
		CASE WHEN c.score IS NOT NULL THEN 1 + o.n - width_bucket(c.high, o.lows) END,
		CASE WHEN c.score IS NOT NULL THEN width_bucket(-c.low, o.highs) END,
		CASE WHEN c.score IS NOT NULL THEN o.n END
	FROM cut c
	LEFT JOIN compared o ON o.plan_no = c.plan_no AND o.level = c.level
$body$;
COMMENT ON FUNCTION appraisal.cards(jsonb, text, appraisal.result[], numeric) IS 'Scores, their intervals, grades and ranks (rules R4 to R8, J3), with points by hand.';

CREATE OR REPLACE FUNCTION appraisal.cards(revision jsonb, cycle text, results appraisal.result[]) RETURNS SETOF appraisal.card
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT * FROM appraisal.cards(revision, cycle, results, 0::numeric)
$body$;

CREATE FUNCTION appraisal.documents_of(revision jsonb, cycle text, facts appraisal.fact[], pools appraisal.pool[], by_hand numeric)
RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	results appraisal.result[] := ARRAY(SELECT r FROM appraisal.results(revision, cycle, facts, pools) AS r);
	cards appraisal.card[] := ARRAY(SELECT c FROM appraisal.cards(revision, cycle, results, by_hand) AS c);
BEGIN
	RETURN QUERY
		SELECT card.document || jsonb_build_object('plan_no', d.plan_no, 'by_hand', by_hand)
		FROM appraisal.card_documents(revision, cycle, facts, results, cards) AS d
		CROSS JOIN LATERAL jsonb_array_elements(d.document) AS card (document);
END
$body$;
COMMENT ON FUNCTION appraisal.documents_of(jsonb, text, appraisal.fact[], appraisal.pool[], numeric) IS 'The cards that follow from facts and a reference, each as a document with its plan_no.';

CREATE FUNCTION appraisal.stored_documents(closing_no integer)
RETURNS TABLE (plan_no integer, level text, subject text, version integer, adjustment_no bigint, document jsonb)
LANGUAGE sql STABLE
AS $body$
	SELECT
		c.plan_no, c.level, c.subject, c.version, c.adjustment_no,
		to_jsonb(c) - ARRAY['closing_no', 'plan', 'version', 'adjustment_no', 'made_at'] || jsonb_build_object('indicators', coalesce(i.list, '[]'))
	FROM appraisal.closed_card c
	LEFT JOIN (
		SELECT o.plan_no, o.level, o.subject, o.version, jsonb_agg(
			to_jsonb(o) - ARRAY['closing_no', 'plan_no', 'level', 'subject', 'version', 'item_no'] ORDER BY o.item_no) AS list
		FROM appraisal.closed_indicator o
		WHERE o.closing_no = $1
		GROUP BY o.plan_no, o.level, o.subject, o.version
	) i ON i.plan_no = c.plan_no AND i.level = c.level AND i.subject = c.subject AND i.version = c.version
	WHERE c.closing_no = $1
$body$;
COMMENT ON FUNCTION appraisal.stored_documents(integer) IS 'The cards of a closed period as they are stored, in all versions, in the form of appraisal.documents_of.';

CREATE FUNCTION appraisal.store_cards(closing_no integer, version integer, adjustment_no bigint, revision jsonb, documents jsonb[]) RETURNS void
LANGUAGE sql
AS $body$
	INSERT INTO appraisal.closed_card
	SELECT c.*
	FROM unnest(documents) AS d (document)
	CROSS JOIN LATERAL jsonb_populate_record(NULL::appraisal.closed_card, d.document || jsonb_build_object(
		'closing_no', $1, 'version', $2, 'adjustment_no', $3, 'made_at', clock_timestamp(),
		'plan', revision -> 'plans' -> ((d.document ->> 'plan_no')::integer - 1) -> 'name')) AS c;
	INSERT INTO appraisal.closed_indicator
	SELECT i.*
	FROM unnest(documents) AS d (document)
	CROSS JOIN LATERAL jsonb_array_elements(d.document -> 'indicators') WITH ORDINALITY AS a (document, no)
	CROSS JOIN LATERAL jsonb_populate_record(NULL::appraisal.closed_indicator, a.document || jsonb_build_object(
		'closing_no', $1, 'plan_no', d.document -> 'plan_no', 'level', d.document -> 'level', 'subject', d.document -> 'subject',
		'version', $2, 'item_no', a.no)) AS i
$body$;
COMMENT ON FUNCTION appraisal.store_cards(integer, integer, bigint, jsonb, jsonb[]) IS 'Stores cards of a closed period, as one version of each.';

-- ---- the digest ----

CREATE FUNCTION appraisal.digest_line(fields text[]) RETURNS text
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT string_agg(coalesce(replace(replace(replace(replace(f.field,
		chr(92), chr(92) || chr(92)), chr(9), chr(92) || 't'), chr(10), chr(92) || 'n'), chr(13), chr(92) || 'r'), chr(92) || 'N'),
		chr(9) ORDER BY f.no) || chr(10)
	FROM unnest(fields) WITH ORDINALITY AS f (field, no)
$body$;
COMMENT ON FUNCTION appraisal.digest_line(text[]) IS 'A line of the text of a digest: fields between tabs, in the text format of COPY.';

CREATE FUNCTION appraisal.digest_decimal(x numeric) RETURNS text
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT trim_scale(x)::text
$body$;
COMMENT ON FUNCTION appraisal.digest_decimal(numeric) IS 'A number in a digest: without zeros at the end of its decimals.';

CREATE FUNCTION appraisal.digest_text(closing_no integer, key text, version integer) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT coalesce(string_agg(l.line, '' ORDER BY l.plan_no, l.level COLLATE "C", l.subject COLLATE "C", l.item_no), '')
	FROM (
		SELECT c.plan_no, c.level, c.subject, 0 AS item_no, appraisal.digest_line(ARRAY[
			'card', $2, $3::text, c.plan, c.level, c.subject, c.status, appraisal.digest_decimal(c.weight),
			appraisal.digest_decimal(c.from_events), appraisal.digest_decimal(c.base_score), appraisal.digest_decimal(c.score),
			appraisal.digest_decimal(c.low), appraisal.digest_decimal(c.high), c.grade, appraisal.digest_decimal(c.coefficient),
			c.rank::text, c.best::text, c.worst::text, c.ranked::text]) AS line
		FROM appraisal.closed_card c
		WHERE c.closing_no = $1 AND c.version = 1
		UNION ALL
		SELECT i.plan_no, i.level, i.subject, i.item_no, appraisal.digest_line(ARRAY[
			'indicator', $2, $3::text, c.plan, i.level, i.subject, i.name, appraisal.digest_decimal(i.above),
			appraisal.digest_decimal(i.base), appraisal.digest_decimal(i.n), appraisal.digest_decimal(i.value),
			appraisal.digest_decimal(i.expected), appraisal.digest_decimal(i.adjusted), i.status, appraisal.digest_decimal(i.points),
			appraisal.digest_decimal(i.weight), appraisal.digest_decimal(i.low), appraisal.digest_decimal(i.high)])
		FROM appraisal.closed_indicator i
		JOIN appraisal.closed_card c ON c.closing_no = i.closing_no AND c.plan_no = i.plan_no AND c.level = i.level
			AND c.subject = i.subject AND c.version = i.version
		WHERE i.closing_no = $1 AND i.version = 1
	) l
$body$;
COMMENT ON FUNCTION appraisal.digest_text(integer, text, integer) IS 'What the digest of a closed period covers, as docs/appraisal.md describes: its cards and indicators as closed.';

-- ---- closing ----

CREATE FUNCTION appraisal.settle_seconds(revision jsonb, cycle text) RETURNS numeric
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT max(coalesce(appraisal.number(p.plan -> 'settle'), 604800))
	FROM appraisal.plans_of(revision, cycle) AS p
$body$;
COMMENT ON FUNCTION appraisal.settle_seconds(jsonb, text) IS 'The greatest settle of the plans of a cycle; NULL: there is no plan.';

CREATE FUNCTION appraisal.obstacles(period appraisal.period, settle_s numeric, early boolean) RETURNS text[]
LANGUAGE sql STABLE
AS $body$
	SELECT array_remove(ARRAY[
		CASE WHEN NOT early AND clock_timestamp() < t.settles_at
			THEN format('%s settles until %s UTC; wait, or close it early, which is recorded', period.key,
				to_char(t.settles_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')) END,
		CASE WHEN NOT early AND s.as_of IS NULL
			THEN 'the ledger does not say how far time is known; run kpid appraisal refresh' END,
		CASE WHEN NOT early AND s.as_of < period.ends_at
			THEN format('the ledger knows time until %s UTC, and %s ends at %s UTC; wait for the events and for the refresh of the ledger',
				to_char(s.as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), period.key,
				to_char(period.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')) END,
		(SELECT format('%s is stopped; see kpid gap list', string_agg(k.topic || '/' || k.partition, ', ' ORDER BY k.topic, k.partition))
			FROM kpid.source_partition k
			WHERE k.state = 'stopped'
			HAVING count(*) > 0),
		(SELECT format('events are missing in %s; see kpid gap list', string_agg(g.topic || '/' || g.partition, ', ' ORDER BY g.gap_no))
			FROM kpid.gap g
			WHERE g.accepted_at IS NULL
			HAVING count(*) > 0),
		(SELECT format('%s tickets are newer than their rows of the ledger; wait for its refresh, or run kpid appraisal refresh', b.behind)
			FROM (SELECT l.behind FROM report.ledger_status l OFFSET 0) b
			WHERE b.behind > 0)
	], NULL)
	FROM kpid.ledger_state s
	CROSS JOIN (SELECT period.ends_at + settle_s::double precision * interval '1 second' AS settles_at) t
$body$;
COMMENT ON FUNCTION appraisal.obstacles(appraisal.period, numeric, boolean) IS 'Why a period cannot be closed now (rule Z2).';

CREATE FUNCTION appraisal.refuse_obstacles(obstacles text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	IF cardinality(obstacles) > 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = array_to_string(obstacles, '; ');
	END IF;
END
$body$;
COMMENT ON FUNCTION appraisal.refuse_obstacles(text[]) IS 'Refuses to close if there is an obstacle.';

CREATE FUNCTION appraisal.freeze_rows(no integer, period appraisal.period, revision jsonb, early boolean)
RETURNS TABLE (as_of timestamptz, made_with text)
LANGUAGE plpgsql
AS $body$
DECLARE
	settle_s numeric := appraisal.settle_seconds(revision, period.cycle);
	obstacles text[];
BEGIN
	-- Asked before the work, and again in the same snapshot as the rows, because a refresh may run beside it.
	PERFORM appraisal.refuse_obstacles(appraisal.obstacles(period, settle_s, early));
	EXECUTE format('WITH taken AS NOT MATERIALIZED (%1$s),'
			' kept AS (INSERT INTO appraisal.closed_row SELECT %2$s, x.* FROM (%3$s) x),'
			' items AS (INSERT INTO appraisal.closed_item SELECT %2$s, x.* FROM (%4$s) x)'
			' SELECT s.as_of, s.made_with, appraisal.obstacles($1, $2, $3) FROM kpid.ledger_state s',
			appraisal.raw_rows_sql(revision, period.cycle, period.first, period.last), no, appraisal.row_sums_sql('taken'),
			appraisal.item_sums_sql('taken', period.first, period.last))
		INTO as_of, made_with, obstacles
		USING period, settle_s, early;
	PERFORM appraisal.refuse_obstacles(obstacles);
	INSERT INTO appraisal.closed_manual
	SELECT no, m.plan_no, m.item_no, m.level, m.subject, m.above, m.under
	FROM appraisal.manual_facts(period.key, revision, period.cycle) AS m;
	RETURN NEXT;
END
$body$;
COMMENT ON FUNCTION appraisal.freeze_rows(integer, appraisal.period, jsonb, boolean) IS 'Stores the rows of a period that its plans take, all from one snapshot, or refuses.';

CREATE FUNCTION appraisal.freeze(key text, version integer, who text, login text, why text, early boolean) RETURNS integer
LANGUAGE plpgsql
AS $body$
DECLARE
	period appraisal.period := appraisal.period_of(key);
	stored record;
	state record;
	no integer := 1 + coalesce((SELECT max(c.closing_no) FROM appraisal.closing c), 0);
	facts appraisal.fact[];
	pools appraisal.pool[];
BEGIN
	IF key = 'last:28d' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_datetime_format',
			MESSAGE = 'last:28d moves with the days; close a month, a quarter or a year';
	END IF;
	SELECT p.revision_no, p.id, p.sha256, p.stored_at, r.document
	INTO stored
	FROM appraisal.revision_for(period, NULL) AS r
	JOIN appraisal.plan_revision p ON p.id = r.document ->> 'id';
	IF NOT EXISTS (SELECT FROM appraisal.plans_of(stored.document, period.cycle)) THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format(
			'revision %s has no plan with the cycle %s, so %s has no cards', stored.id, period.cycle, key);
	END IF;
	SELECT f.as_of, f.made_with INTO state FROM appraisal.freeze_rows(no, period, stored.document, early) AS f;
	facts := ARRAY(SELECT f FROM appraisal.closed_facts(no, stored.document, period.cycle) AS f);
	pools := ARRAY(SELECT p FROM appraisal.pools(facts) AS p);
	INSERT INTO appraisal.closed_pool SELECT no, p.* FROM unnest(pools) AS p;
	PERFORM appraisal.store_cards(no, 1, NULL, stored.document,
		ARRAY(SELECT d FROM appraisal.documents_of(stored.document, period.cycle, facts, pools, 0) AS d));
	INSERT INTO appraisal.closing
	VALUES (no, key, version, period.cycle, period.first, period.last, period.begins_at, period.ends_at, period.time_zone, state.as_of,
		state.made_with, stored.revision_no, stored.sha256, stored.stored_at > period.begins_at, early, clock_timestamp(), who, login, why,
		sha256(convert_to(appraisal.digest_text(no, key, version), 'UTF8')));
	RETURN no;
END
$body$;
COMMENT ON FUNCTION appraisal.freeze(text, integer, text, text, text, boolean) IS 'Makes one version of a closed period: its rows, reference, cards and digest. Returns its closing_no.';

CREATE FUNCTION appraisal.summary(closing_no integer) RETURNS jsonb
LANGUAGE sql STABLE
AS $body$
	SELECT jsonb_build_object(
		'key', c.key, 'version', c.version, 'cycle', c.cycle, 'first', c.first, 'last', c.last,
		'begins_at', c.begins_at AT TIME ZONE 'UTC', 'ends_at', c.ends_at AT TIME ZONE 'UTC', 'time_zone', c.time_zone,
		'as_of', c.as_of AT TIME ZONE 'UTC', 'settings', c.settings, 'revision', p.id, 'sha256', encode(c.revision_sha256, 'hex'),
		'announced_late', c.announced_late, 'early', c.early, 'closed_at', c.closed_at AT TIME ZONE 'UTC', 'closed_by', c.closed_by,
		'login', c.login, 'why', c.why, 'digest', encode(c.digest, 'hex'),
		'cards', (SELECT count(*) FROM appraisal.closed_card d WHERE d.closing_no = c.closing_no AND d.version = 1))
	FROM appraisal.closing c
	JOIN appraisal.plan_revision p ON p.revision_no = c.revision_no
	WHERE c.closing_no = $1
$body$;
COMMENT ON FUNCTION appraisal.summary(integer) IS 'A version of a closed period as a document, without its cards.';

CREATE FUNCTION appraisal.close(key text, who text, why text, early boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
SET jit = off
SET work_mem = '256MB'
AS $body$
DECLARE
	login text := appraisal.hr_login();
	before record;
	no integer;
BEGIN
	PERFORM appraisal.check_record(who, why);
	LOCK TABLE appraisal.closing IN SHARE ROW EXCLUSIVE MODE;
	SELECT c.closed_at, c.closed_by INTO before FROM appraisal.closing c WHERE c.key = $1 AND c.version = 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format(
			'%s was closed at %s UTC by %s, and a period is closed once; kpid appraisal restate makes its next version', $1,
			to_char(before.closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), before.closed_by);
	END IF;
	no := appraisal.freeze($1, 1, who, login, why, coalesce(early, false));
	RETURN appraisal.summary(no);
END
$body$;
COMMENT ON FUNCTION appraisal.close(text, text, text, boolean) IS 'Closes a period: freezes its cards and the rows behind them (rules Z2 and Z3). early: without waiting for its end and settle.';

-- ---- adjustments ----

CREATE FUNCTION appraisal.undone(key text, plan text, level text, subject text, up_to bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	numbers bigint[] := '{}';
	a record;
BEGIN
	-- From the latest back: whether an undo is in force is known before the row that it undoes is reached.
	FOR a IN
		SELECT x.adjustment_no, x.undoes
		FROM appraisal.adjustment x
		WHERE x.key = $1 AND x.plan = $2 AND x.level = $3 AND x.subject = $4 AND x.adjustment_no <= up_to
		ORDER BY x.adjustment_no DESC
	LOOP
		IF a.undoes IS NOT NULL AND NOT a.adjustment_no = ANY (numbers) THEN
			numbers := numbers || a.undoes;
		END IF;
	END LOOP;
	RETURN numbers;
END
$body$;
COMMENT ON FUNCTION appraisal.undone(text, text, text, text, bigint) IS 'The adjustments of a card that are undone, as of an adjustment.';

CREATE FUNCTION appraisal.in_force(key text, plan text, level text, subject text, up_to bigint) RETURNS SETOF appraisal.adjustment
LANGUAGE sql STABLE
AS $body$
	SELECT a.*
	FROM appraisal.adjustment a
	CROSS JOIN (SELECT appraisal.undone($1, $2, $3, $4, $5) AS numbers) u
	WHERE a.key = $1 AND a.plan = $2 AND a.level = $3 AND a.subject = $4 AND a.adjustment_no <= $5 AND a.undoes IS NULL
		AND NOT a.adjustment_no = ANY (u.numbers)
$body$;
COMMENT ON FUNCTION appraisal.in_force(text, text, text, text, bigint) IS 'The excludes and points of a card that are in force, as of an adjustment.';

CREATE FUNCTION appraisal.card_facts(
	closing_no integer, revision jsonb, cycle text, plan_no integer, level text, subject text, excludes appraisal.adjustment[])
RETURNS SETOF appraisal.fact
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	part record;
BEGIN
	RETURN NEXT (plan_no, 'card', 0, level, subject, '{}', 0, 0)::appraisal.fact;
	-- Indicators from which the same tickets are excluded are added up together.
	FOR part IN
		SELECT x.excluded, string_agg(appraisal.indicator_sql(plan_no, x.no, x.indicator, format('(%L, c.%I)', level, level || '_id'),
			appraisal.dimensions_of(revision)), ' UNION ALL ') AS choices
		FROM (
			SELECT i.no::integer AS no, i.indicator, ARRAY(
				SELECT DISTINCT e.ticket_id
				FROM unnest(excludes) AS e
				WHERE e.kind = 'exclude' AND coalesce(e.indicator, i.indicator ->> 'name') = i.indicator ->> 'name'
				ORDER BY e.ticket_id
			) AS excluded
			FROM jsonb_array_elements(revision -> 'plans' -> (plan_no - 1) -> 'indicators') WITH ORDINALITY AS i (indicator, no)
			WHERE i.indicator ->> 'value' <> 'manual'
		) x
		GROUP BY x.excluded
	LOOP
		RETURN QUERY EXECUTE appraisal.closed_source_sql(closing_no, revision, cycle, false,
			format('r.plan_no = %s AND r.%I = %L AND r.ticket_id <> ALL (%L::text[])', plan_no, level || '_id', subject, part.excluded)) || part.choices;
	END LOOP;
	RETURN QUERY
		SELECT m.plan_no, 'manual', m.item_no, m.level, m.subject, '{}'::text[], m.above, m.under
		FROM appraisal.closed_manual m
		WHERE m.closing_no = $1 AND m.plan_no = $4 AND m.level = $5 AND m.subject = $6;
END
$body$;
COMMENT ON FUNCTION appraisal.card_facts(integer, jsonb, text, integer, text, text, appraisal.adjustment[]) IS 'The sums of one closed card without the excluded tickets, from its frozen rows.';

CREATE FUNCTION appraisal.version_document(no integer, plan_no integer, level text, subject text, adjustment_no bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	c appraisal.closing;
	first_one appraisal.closed_card;
	revision jsonb;
	adjustments appraisal.adjustment[];
	facts appraisal.fact[];
	pools appraisal.pool[];
BEGIN
	SELECT x.* INTO c FROM appraisal.closing x WHERE x.closing_no = no;
	SELECT x.* INTO first_one
	FROM appraisal.closed_card x
	WHERE x.closing_no = no AND x.plan_no = $2 AND x.level = $3 AND x.subject = $4 AND x.version = 1;
	revision := (SELECT p.json::jsonb FROM appraisal.plan_revision p WHERE p.revision_no = c.revision_no);
	adjustments := ARRAY(SELECT a FROM appraisal.in_force(c.key, first_one.plan, level, subject, adjustment_no) AS a);
	facts := ARRAY(SELECT f FROM appraisal.card_facts(no, revision, c.cycle, plan_no, level, subject, adjustments) AS f);
	pools := ARRAY(SELECT p FROM appraisal.closed_pools(no) AS p WHERE p.plan_no = $2);
	RETURN (
		SELECT d || jsonb_build_object('rank', NULL, 'best', NULL, 'worst', NULL, 'ranked', NULL, 'gaps', first_one.gaps, 'flags', first_one.flags)
		FROM appraisal.documents_of(revision, c.cycle, facts, pools,
			coalesce((SELECT sum(a.points) FROM unnest(adjustments) AS a), 0)) AS d);
END
$body$;
COMMENT ON FUNCTION appraisal.version_document(integer, integer, text, text, bigint) IS 'A closed card as an adjustment leaves it (rule Z5): without the excluded tickets, by the frozen reference, with the points by hand.';

CREATE FUNCTION appraisal.add_version(closing_no integer, plan_no integer, level text, subject text, adjustment_no bigint) RETURNS integer
LANGUAGE plpgsql
AS $body$
DECLARE
	number integer := 1 + (
		SELECT max(c.version)
		FROM appraisal.closed_card c
		WHERE c.closing_no = $1 AND c.plan_no = $2 AND c.level = $3 AND c.subject = $4);
BEGIN
	PERFORM appraisal.store_cards($1, number, $5,
		(SELECT p.json::jsonb
			FROM appraisal.closing c
			JOIN appraisal.plan_revision p ON p.revision_no = c.revision_no
			WHERE c.closing_no = $1),
		ARRAY[appraisal.version_document($1, $2, $3, $4, $5)]);
	RETURN number;
END
$body$;
COMMENT ON FUNCTION appraisal.add_version(integer, integer, text, text, bigint) IS 'Adds the version of a closed card that an adjustment makes, and returns its number.';

CREATE FUNCTION appraisal.latest_closing(key text) RETURNS appraisal.closing
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	found appraisal.closing;
BEGIN
	SELECT c.* INTO found FROM appraisal.closing c WHERE c.key = $1 ORDER BY c.version DESC LIMIT 1;
	IF found.key IS NULL THEN
		PERFORM appraisal.period_of(key);
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('%s has not been closed; see kpid appraisal preview %1$s', key);
	END IF;
	RETURN found;
END
$body$;
COMMENT ON FUNCTION appraisal.latest_closing(text) IS 'The latest version of a closed period, or an error.';

CREATE FUNCTION appraisal.card_at(closing_no integer, plan text, level text, subject text) RETURNS appraisal.closed_card
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	found appraisal.closed_card[] := ARRAY(
		SELECT c
		FROM appraisal.closed_card c
		WHERE c.closing_no = $1 AND c.plan = coalesce($2, c.plan) AND c.level = $3 AND c.subject = $4 AND c.version = 1
		ORDER BY c.plan_no
	);
BEGIN
	IF cardinality(found) = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('%s %s has no such card in this period', level, subject);
	ELSIF cardinality(found) > 1 THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('%s %s has several cards; name the plan: %s', level, subject,
			(SELECT string_agg(f.plan, ', ' ORDER BY f.plan_no) FROM unnest(found) AS f));
	END IF;
	RETURN found[1];
END
$body$;
COMMENT ON FUNCTION appraisal.card_at(integer, text, text, text) IS 'The card of a closed period, as closed; plan may be NULL if the subject has only one.';

CREATE FUNCTION appraisal.check_change(closing_no integer, card appraisal.closed_card, key text, change jsonb) RETURNS void
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	wrong CONSTANT text := 'an adjustment has one of exclude (a ticket, and an indicator or none), points and undo (the number of an adjustment)';
	plan jsonb := (
		SELECT p.json::jsonb -> 'plans' -> (card.plan_no - 1)
		FROM appraisal.closing c
		JOIN appraisal.plan_revision p ON p.revision_no = c.revision_no
		WHERE c.closing_no = $1
	);
	max_hand numeric := coalesce(appraisal.number(plan -> 'max_hand'), 10);
	undone bigint[] := appraisal.undone(key, card.plan, card.level, card.subject, 9223372036854775807);
	refusal text;
BEGIN
	IF jsonb_typeof(change) IS DISTINCT FROM 'object' OR change - ARRAY['exclude', 'indicator', 'points', 'undo'] <> '{}'
		OR num_nonnulls(change ->> 'exclude', change ->> 'points', change ->> 'undo') <> 1
		OR (change ->> 'indicator' IS NOT NULL AND change ->> 'exclude' IS NULL) THEN
		refusal := wrong;
	ELSIF change ->> 'points' IS NOT NULL THEN
		IF change ->> 'points' !~ '^[-+]?[0-9]{1,6}([.][0-9]{1,2})?$' OR (change ->> 'points')::numeric = 0 THEN
			refusal := format('points are a number other than 0 with at most two decimals, such as -2.5, not %s', change ->> 'points');
		ELSIF abs((change ->> 'points')::numeric) > max_hand THEN
			refusal := format('at most %s points may be given or taken at once: max_hand of the plan', trim_scale(max_hand));
		END IF;
	ELSIF change ->> 'exclude' IS NOT NULL THEN
		IF change ->> 'indicator' IS NOT NULL AND NOT EXISTS (
			SELECT FROM jsonb_array_elements(plan -> 'indicators') AS i (of)
			WHERE i.of ->> 'name' = change ->> 'indicator' AND i.of ->> 'value' <> 'manual'
		) THEN
			refusal := format('plan %s has no indicator %s that comes from tickets', card.plan, change ->> 'indicator');
		ELSIF NOT EXISTS (
			SELECT FROM appraisal.closed_row r
			WHERE r.closing_no = $1 AND r.plan_no = card.plan_no AND r.ticket_id = change ->> 'exclude'
				AND CASE card.level WHEN 'agent' THEN r.agent_id WHEN 'team' THEN r.team_id ELSE r.project_id END = card.subject
		) THEN
			refusal := format('ticket %s is not behind this card', change ->> 'exclude');
		ELSIF EXISTS (
			SELECT FROM appraisal.in_force(key, card.plan, card.level, card.subject, 9223372036854775807) AS a
			WHERE a.ticket_id = change ->> 'exclude' AND (a.indicator IS NULL OR a.indicator = change ->> 'indicator')
		) THEN
			refusal := format('ticket %s is excluded already', change ->> 'exclude');
		END IF;
	ELSIF change ->> 'undo' !~ '^[0-9]{1,18}$' THEN
		refusal := format('adjustment %s of this card does not exist', change ->> 'undo');
	ELSIF NOT EXISTS (
		SELECT FROM appraisal.adjustment a
		WHERE a.adjustment_no = (change ->> 'undo')::bigint AND a.key = $3 AND a.plan = card.plan AND a.level = card.level AND a.subject = card.subject
	) THEN
		refusal := format('adjustment %s of this card does not exist', change ->> 'undo');
	ELSIF (change ->> 'undo')::bigint = ANY (undone) THEN
		refusal := format('adjustment %s is undone already', change ->> 'undo');
	END IF;
	IF refusal IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = refusal;
	END IF;
END
$body$;
COMMENT ON FUNCTION appraisal.check_change(integer, appraisal.closed_card, text, jsonb) IS 'Refuses an adjustment that is malformed or that the card does not allow.';

CREATE FUNCTION appraisal.add_adjustment(key text, plan text, level text, subject text, change jsonb, who text, login text, why text, appeal_no bigint)
RETURNS jsonb
LANGUAGE plpgsql
AS $body$
DECLARE
	c appraisal.closing := appraisal.latest_closing(key);
	card appraisal.closed_card := appraisal.card_at(c.closing_no, plan, level, subject);
	no bigint;
	made integer;
BEGIN
	IF level = 'agent' AND appraisal.is_caller(subject) THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'nobody adjusts a card of his own';
	END IF;
	PERFORM appraisal.check_change(c.closing_no, card, key, change);
	INSERT INTO appraisal.adjustment
		(key, plan, level, subject, kind, ticket_id, indicator, points, undoes, appeal_no, adjusted_at, adjusted_by, login, why)
	VALUES ($1, card.plan, $3, $4,
		CASE WHEN change ->> 'exclude' IS NOT NULL THEN 'exclude' WHEN change ->> 'points' IS NOT NULL THEN 'points' ELSE 'undo' END,
		change ->> 'exclude', change ->> 'indicator', (change ->> 'points')::numeric, (change ->> 'undo')::bigint,
		$9, clock_timestamp(), $6, $7, $8)
	RETURNING adjustment_no INTO no;
	made := appraisal.add_version(c.closing_no, card.plan_no, level, subject, no);
	RETURN (
		SELECT jsonb_build_object('adjustment', no, 'key', $1, 'plan', d.plan, 'level', d.level, 'subject', d.subject,
			'version', d.version, 'before', b.score, 'score', d.score, 'grade', d.grade)
		FROM appraisal.closed_card d
		JOIN appraisal.closed_card b ON b.closing_no = d.closing_no AND b.plan_no = d.plan_no AND b.level = d.level AND b.subject = d.subject
			AND b.version = d.version - 1
		WHERE d.closing_no = c.closing_no AND d.plan_no = card.plan_no AND d.level = $3 AND d.subject = $4
			AND d.version = made);
END
$body$;
COMMENT ON FUNCTION appraisal.add_adjustment(text, text, text, text, jsonb, text, text, text, bigint) IS 'Records an adjustment and adds the version of the card that it makes.';

CREATE FUNCTION appraisal.adjust(key text, plan text, level text, subject text, change jsonb, who text, why text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $body$
DECLARE
	login text := appraisal.hr_login();
BEGIN
	PERFORM appraisal.check_record(who, why);
	LOCK TABLE appraisal.closing IN SHARE ROW EXCLUSIVE MODE;
	RETURN appraisal.add_adjustment(key, plan, level, subject, change, who, login, why, NULL);
END
$body$;
COMMENT ON FUNCTION appraisal.adjust(text, text, text, text, jsonb, text, text) IS 'Adjusts a closed card (rule Z5) by {"exclude": ticket, "indicator": name or none}, {"points": number} or {"undo": number of an adjustment}. plan may be NULL if the subject has one card.';

CREATE FUNCTION appraisal.restate(key text, who text, why text, early boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
SET jit = off
SET work_mem = '256MB'
AS $body$
DECLARE
	login text := appraisal.hr_login();
	no integer;
	a record;
	n_applied integer := 0;
	without_card bigint[] := '{}';
BEGIN
	PERFORM appraisal.check_record(who, why);
	LOCK TABLE appraisal.closing IN SHARE ROW EXCLUSIVE MODE;
	no := appraisal.freeze($1, 1 + (appraisal.latest_closing($1)).version, who, login, why, coalesce(early, false));
	FOR a IN
		SELECT x.adjustment_no, c.plan_no, x.level, x.subject
		FROM appraisal.adjustment x
		LEFT JOIN appraisal.closed_card c ON c.closing_no = no AND c.plan = x.plan AND c.level = x.level AND c.subject = x.subject AND c.version = 1
		WHERE x.key = $1
		ORDER BY x.adjustment_no
	LOOP
		IF a.plan_no IS NULL THEN
			without_card := without_card || a.adjustment_no;
		ELSE
			PERFORM appraisal.add_version(no, a.plan_no, a.level, a.subject, a.adjustment_no);
			n_applied := n_applied + 1;
		END IF;
	END LOOP;
	RETURN appraisal.summary(no) || jsonb_build_object('adjustments', n_applied, 'adjustments_without_card', to_jsonb(without_card));
END
$body$;
COMMENT ON FUNCTION appraisal.restate(text, text, text, boolean) IS 'Closes a closed period again from the facts of now, as its next version, and applies the adjustments to its cards again (rule Z7).';

-- ---- manual entries ----

CREATE FUNCTION appraisal.enter(
	key text, plan text, level text, subject text, indicator text, above numeric, base numeric, who text, why text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	login text := appraisal.hr_login();
	period appraisal.period := appraisal.period_of(key);
	plans text[];
	refusal text;
	no bigint;
BEGIN
	PERFORM appraisal.check_record(who, why);
	LOCK TABLE appraisal.closing IN SHARE ROW EXCLUSIVE MODE;
	plans := ARRAY(
		SELECT p.plan ->> 'name'
		FROM appraisal.revision_for(period, NULL) AS r
		CROSS JOIN LATERAL appraisal.plans_of(r.document, period.cycle) AS p
		CROSS JOIN LATERAL jsonb_array_elements(p.plan -> 'indicators') AS i (of)
		WHERE p.plan ->> 'name' = coalesce($2, p.plan ->> 'name') AND i.of ->> 'name' = $5 AND i.of ->> 'value' = 'manual'
			AND coalesce(p.plan -> 'levels', '["agent"]') ? $3
		ORDER BY p.plan_no
	);
	IF key = 'last:28d' THEN
		refusal := 'last:28d moves with the days; enter values for a month, a quarter or a year';
	ELSIF EXISTS (SELECT FROM appraisal.closing c WHERE c.key = $1) THEN
		refusal := format('%s is closed, and entries are made before that; adjust the card instead', $1);
	ELSIF cardinality(plans) = 0 THEN
		refusal := format('no plan of %s has a card of the level %s with an indicator %s whose value is manual', $1, $3, $5);
	ELSIF cardinality(plans) > 1 THEN
		refusal := format('several plans have such an indicator; name the plan: %s', array_to_string(plans, ', '));
	ELSIF coalesce(subject, '') = '' THEN
		refusal := format('name the %s', level);
	ELSIF above IS NULL OR base IS NULL OR above IN ('NaN', 'Infinity', '-Infinity') OR base IN ('NaN', 'Infinity') OR base < 0 THEN
		refusal := 'above and base are numbers, and base is not below 0';
	ELSIF level = 'agent' AND appraisal.is_caller(subject) THEN
		refusal := 'nobody enters values for himself';
	END IF;
	IF refusal IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = refusal;
	END IF;
	INSERT INTO appraisal.manual_entry (key, plan, level, subject, indicator, above, base, entered_by, login, why)
	VALUES ($1, plans[1], $3, $4, $5, $6, $7, $8, login, $9)
	RETURNING entry_no INTO no;
	RETURN no;
END
$body$;
COMMENT ON FUNCTION appraisal.enter(text, text, text, text, text, numeric, numeric, text, text) IS 'Enters the value of a manual indicator of a card of a period that is not closed (rule Z6). A later entry replaces an earlier one.';

-- ---- what is stored, checked ----

CREATE FUNCTION appraisal.fields_of(document jsonb)
RETURNS TABLE (indicator text, field text, value jsonb)
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT '', f.key, f.value
	FROM jsonb_each(document - ARRAY['indicators', 'plan_no', 'level', 'subject', 'version']) AS f
	UNION ALL
	SELECT i.document ->> 'name', f.key, f.value
	FROM jsonb_array_elements(document -> 'indicators') AS i (document)
	CROSS JOIN LATERAL jsonb_each(i.document) AS f
$body$;
COMMENT ON FUNCTION appraisal.fields_of(jsonb) IS 'The values of a card and of its indicators.';

CREATE FUNCTION appraisal.verify(key text)
RETURNS TABLE (
	version integer, plan text, level text, subject text, card_version integer, indicator text, field text, stored text, computed text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
SET jit = off
SET work_mem = '64MB'
AS $body$
DECLARE
	latest appraisal.closing := appraisal.latest_closing(key);
	c record;
	revision jsonb;
	facts appraisal.fact[];
	pools appraisal.pool[];
	documents jsonb[];
BEGIN
	FOR c IN
		SELECT x.*, p.json, sha256(convert_to(p.json, 'UTF8')) AS sha256_now,
			sha256(convert_to(appraisal.digest_text(x.closing_no, x.key, x.version), 'UTF8')) AS digest_now
		FROM appraisal.closing x
		JOIN appraisal.plan_revision p ON p.revision_no = x.revision_no
		WHERE x.key = latest.key
		ORDER BY x.version
	LOOP
		revision := c.json::jsonb;
		RETURN QUERY
			SELECT c.version, '', '', '', 0, '', w.field, encode(w.stored, 'hex'), encode(w.computed, 'hex')
			FROM (VALUES ('revision', c.revision_sha256, c.sha256_now), ('digest', c.digest, c.digest_now)) AS w (field, stored, computed)
			WHERE w.stored <> w.computed;
		facts := ARRAY(SELECT f FROM appraisal.closed_facts(c.closing_no, revision, c.cycle) AS f);
		pools := ARRAY(SELECT p FROM appraisal.pools(facts) AS p);
		RETURN QUERY
			SELECT c.version, revision -> 'plans' -> (w.plan_no - 1) ->> 'name', '', '', 0,
				revision -> 'plans' -> (w.plan_no - 1) -> 'indicators' -> (w.item_no - 1) ->> 'name', 'reference',
				max(w.sums) FILTER (WHERE w.is_stored), max(w.sums) FILTER (WHERE NOT w.is_stored)
			FROM (
				SELECT true AS is_stored, p.plan_no, p.item_no, p.stratum, (p.above, p.under, p.all_above, p.all_under, p.pool)::text AS sums
				FROM appraisal.closed_pools(c.closing_no) AS p
				UNION ALL
				SELECT false, p.plan_no, p.item_no, p.stratum, (p.above, p.under, p.all_above, p.all_under, p.pool)::text
				FROM unnest(pools) AS p
			) w
			GROUP BY w.plan_no, w.item_no, w.stratum
			HAVING max(w.sums) FILTER (WHERE w.is_stored) IS DISTINCT FROM max(w.sums) FILTER (WHERE NOT w.is_stored);
		documents := ARRAY(
			SELECT d || '{"version": 1}'
			FROM appraisal.documents_of(revision, c.cycle, facts, pools, 0) AS d
			UNION ALL
			SELECT appraisal.version_document(c.closing_no, s.plan_no, s.level, s.subject, s.adjustment_no) || jsonb_build_object('version', s.version)
			FROM appraisal.closed_card s
			WHERE s.closing_no = c.closing_no AND s.version > 1);
		RETURN QUERY
			SELECT c.version, revision -> 'plans' -> (coalesce(a.plan_no, b.plan_no) - 1) ->> 'name', coalesce(a.level, b.level),
				coalesce(a.subject, b.subject), coalesce(a.version, b.version), coalesce(a.indicator, b.indicator), coalesce(a.field, b.field),
				a.value #>> '{}', b.value #>> '{}'
			FROM (
				SELECT s.plan_no, s.level, s.subject, s.version, f.indicator, f.field, f.value
				FROM appraisal.stored_documents(c.closing_no) AS s
				CROSS JOIN LATERAL appraisal.fields_of(s.document) AS f
			) a
			FULL JOIN (
				SELECT (d.document -> 'plan_no')::integer AS plan_no, d.document ->> 'level' AS level, d.document ->> 'subject' AS subject,
					(d.document -> 'version')::integer AS version, f.indicator, f.field, f.value
				FROM unnest(documents) AS d (document)
				CROSS JOIN LATERAL appraisal.fields_of(d.document) AS f
			) b ON b.plan_no = a.plan_no AND b.level = a.level AND b.subject = a.subject AND b.version = a.version AND b.indicator = a.indicator
				AND b.field = a.field
			WHERE a.value IS DISTINCT FROM b.value
			ORDER BY 2, 3, 4, 5, 6, 7;
	END LOOP;
END
$body$;
COMMENT ON FUNCTION appraisal.verify(text) IS 'Computes everything of a closed period again from its frozen rows and the stored plan, and returns what differs; no row: nothing does.';

-- ---- drift ----

CREATE TYPE appraisal.ticket_sum AS (
	plan_no integer,
	item_no integer,
	level text,
	subject text,
	ticket_id text COLLATE "C",
	stratum text[],
	above numeric,
	under numeric
);
COMMENT ON TYPE appraisal.ticket_sum IS 'What one ticket adds to one indicator of one card, in one stratum.';

CREATE FUNCTION appraisal.ticket_sums(source text, revision jsonb, cycle text) RETURNS SETOF appraisal.ticket_sum
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	dimensions text[] := appraisal.dimensions_of(revision);
	parts text;
BEGIN
	SELECT string_agg(format('SELECT %1$s, %2$s, v.level, v.subject, c.ticket_id, %3$s, sum(%4$s)::numeric, sum(%5$s)::numeric'
			' FROM cells c CROSS JOIN LATERAL (VALUES %6$s) AS v (level, subject) WHERE c.plan_no = %1$s AND %7$s AND v.subject <> '''''
			' GROUP BY v.level, v.subject, c.ticket_id, 6%8$s',
			p.plan_no, i.no, CASE WHEN i.of ? 'adjust' THEN appraisal.strata_sql(i.of -> 'adjust') ELSE '''{}''::text[]' END,
			appraisal.sum_sql(i.of ->> 'value', false, dimensions), appraisal.sum_sql(i.of ->> 'value', true, dimensions),
			(SELECT string_agg(format('(%L, c.%I)', l.name, l.name || '_id'), ', ')
				FROM jsonb_array_elements_text(coalesce(p.plan -> 'levels', '["agent"]')) AS l (name)),
			appraisal.match_sql('c', i.of -> 'where'),
			-- Without a quotient every ticket counts in n, whatever its sum.
			CASE WHEN appraisal.has_under(i.of ->> 'value') THEN format(' HAVING sum(%s) <> 0 OR sum(%s) <> 0',
				appraisal.sum_sql(i.of ->> 'value', false, dimensions), appraisal.sum_sql(i.of ->> 'value', true, dimensions)) ELSE '' END),
		' UNION ALL ')
	INTO parts
	FROM appraisal.plans_of(revision, cycle) AS p
	CROSS JOIN LATERAL jsonb_array_elements(p.plan -> 'indicators') WITH ORDINALITY AS i (of, no)
	WHERE i.of ->> 'value' <> 'manual';
	IF parts IS NOT NULL THEN
		RETURN QUERY EXECUTE source || parts;
	END IF;
END
$body$;
COMMENT ON FUNCTION appraisal.ticket_sums(text, jsonb, text) IS 'What single tickets add to the indicators of all cards, from a source with their cells.';

CREATE FUNCTION appraisal.changed_tickets(c appraisal.closing, revision jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	tickets text[];
BEGIN
	EXECUTE format('WITH taken AS MATERIALIZED (%1$s), rows_now AS (%2$s), items_now AS (%3$s),'
			' rows_then AS (SELECT %4$s FROM appraisal.closed_row r WHERE r.closing_no = %6$s),'
			' items_then AS (SELECT %5$s FROM appraisal.closed_item r WHERE r.closing_no = %6$s)'
			' SELECT array_agg(DISTINCT x.ticket_id) FROM ('
			' SELECT a.ticket_id FROM (SELECT * FROM rows_now EXCEPT ALL SELECT * FROM rows_then) a'
			' UNION ALL SELECT a.ticket_id FROM (SELECT * FROM rows_then EXCEPT ALL SELECT * FROM rows_now) a'
			' UNION ALL SELECT a.ticket_id FROM (SELECT * FROM items_now EXCEPT ALL SELECT * FROM items_then) a'
			' UNION ALL SELECT a.ticket_id FROM (SELECT * FROM items_then EXCEPT ALL SELECT * FROM items_now) a) x',
			appraisal.raw_rows_sql(revision, c.cycle, c.first, c.last), appraisal.row_sums_sql('taken'),
			appraisal.item_sums_sql('taken', c.first, c.last),
			(SELECT string_agg(format('r.%I', a.attname), ', ' ORDER BY a.attnum)
				FROM pg_attribute a
				WHERE a.attrelid = 'appraisal.closed_row'::regclass AND a.attnum > 1 AND NOT a.attisdropped),
			(SELECT string_agg(format('r.%I', a.attname), ', ' ORDER BY a.attnum)
				FROM pg_attribute a
				WHERE a.attrelid = 'appraisal.closed_item'::regclass AND a.attnum > 1 AND NOT a.attisdropped),
			c.closing_no)
		INTO tickets;
	RETURN coalesce(tickets, '{}');
END
$body$;
COMMENT ON FUNCTION appraisal.changed_tickets(appraisal.closing, jsonb) IS 'Tickets whose rows, as the plans take them by the roster of now, differ from the frozen ones.';

CREATE FUNCTION appraisal.pools_for(facts appraisal.fact[], frozen appraisal.pool[]) RETURNS SETOF appraisal.pool
LANGUAGE sql STABLE
AS $body$
	SELECT s.plan_no, s.item_no, s.stratum, coalesce(k.pool, o.pool), coalesce(k.above, o.above), coalesce(k.under, o.under), e.all_above, e.all_under
	FROM (
		SELECT DISTINCT f.plan_no, f.item_no, f.stratum
		FROM unnest(facts) AS f
		WHERE f.kind = 'adjusted'
	) s
	JOIN (
		SELECT DISTINCT p.plan_no, p.item_no, p.all_above, p.all_under
		FROM unnest(frozen) AS p
	) e ON e.plan_no = s.plan_no AND e.item_no = s.item_no
	LEFT JOIN unnest(frozen) AS k ON k.plan_no = s.plan_no AND k.item_no = s.item_no AND k.stratum = s.stratum AND k.under <> 0
	LEFT JOIN LATERAL (
		SELECT p.pool, p.above, p.under
		FROM unnest(frozen) AS p
		WHERE p.plan_no = s.plan_no AND p.item_no = s.item_no AND p.under <> 0 AND cardinality(p.pool) < cardinality(s.stratum)
			AND p.pool = s.stratum[1:cardinality(p.pool)]
		ORDER BY cardinality(p.pool) DESC
		LIMIT 1
	) o ON k.plan_no IS NULL
$body$;
COMMENT ON FUNCTION appraisal.pools_for(appraisal.fact[], appraisal.pool[]) IS 'A frozen reference for the strata of later facts (rule Z4): one that it does not know takes the pool that it would fall into. Without a pool, everything counts.';

CREATE FUNCTION appraisal.drift(key text)
RETURNS TABLE (
	plan text, level text, subject text, indicator text, tickets text[],
	closed_above numeric, closed_base numeric, closed_n numeric, above numeric, base numeric, n numeric,
	closed_value numeric, value numeric, closed_adjusted numeric, adjusted numeric, closed_points numeric, points numeric,
	closed_score numeric, score numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
SET jit = off
SET work_mem = '64MB'
AS $body$
DECLARE
	c appraisal.closing := appraisal.latest_closing(key);
	revision jsonb := (SELECT p.json::jsonb FROM appraisal.plan_revision p WHERE p.revision_no = c.revision_no);
	changed text[] := appraisal.changed_tickets(c, revision);
	facts appraisal.fact[];
	documents jsonb[];
BEGIN
	IF changed = '{}' THEN
		RETURN;
	END IF;
	facts := ARRAY(
		SELECT f FROM appraisal.facts(revision, c.cycle, c.first, c.last) AS f
		UNION ALL
		SELECT ROW(m.plan_no, 'manual', m.item_no, m.level, m.subject, '{}', m.above, m.under)::appraisal.fact
		FROM appraisal.closed_manual m
		WHERE m.closing_no = c.closing_no
	);
	documents := ARRAY(
		SELECT d
		FROM appraisal.documents_of(revision, c.cycle, facts,
			ARRAY(SELECT p FROM appraisal.pools_for(facts, ARRAY(SELECT q FROM appraisal.closed_pools(c.closing_no) AS q)) AS p), 0) AS d);
	RETURN QUERY
		SELECT
			p.plan ->> 'name', x.level, x.subject, p.plan -> 'indicators' -> (x.item_no - 1) ->> 'name', x.tickets,
			i.above, i.base, coalesce(i.n, 0), (o.one ->> 'above')::numeric, (o.one ->> 'base')::numeric, coalesce((o.one ->> 'n')::numeric, 0),
			i.value, (o.one ->> 'value')::numeric, i.adjusted, (o.one ->> 'adjusted')::numeric, i.points, (o.one ->> 'points')::numeric,
			k.score, (o.document ->> 'score')::numeric
		FROM (
			SELECT
				coalesce(b.plan_no, a.plan_no) AS plan_no, coalesce(b.item_no, a.item_no) AS item_no, coalesce(b.level, a.level) AS level,
				coalesce(b.subject, a.subject) AS subject,
				array_agg(DISTINCT coalesce(b.ticket_id, a.ticket_id) ORDER BY coalesce(b.ticket_id, a.ticket_id)) AS tickets
			FROM appraisal.ticket_sums(appraisal.closed_source_sql(c.closing_no, revision, c.cycle, true,
				format('r.ticket_id = ANY (%L::text[])', changed)), revision, c.cycle) AS b
			FULL JOIN appraisal.ticket_sums(appraisal.live_source_sql(revision, c.cycle, c.first, c.last, changed), revision, c.cycle) AS a
				ON a.plan_no = b.plan_no AND a.item_no = b.item_no AND a.level = b.level AND a.subject = b.subject AND a.ticket_id = b.ticket_id
					AND a.stratum = b.stratum
			WHERE a.above IS DISTINCT FROM b.above OR a.under IS DISTINCT FROM b.under
			GROUP BY 1, 2, 3, 4
		) x
		JOIN appraisal.plans_of(revision, c.cycle) AS p ON p.plan_no = x.plan_no
		LEFT JOIN appraisal.closed_card k ON k.closing_no = c.closing_no AND k.plan_no = x.plan_no AND k.level = x.level AND k.subject = x.subject
			AND k.version = 1
		LEFT JOIN appraisal.closed_indicator i ON i.closing_no = c.closing_no AND i.plan_no = x.plan_no AND i.level = x.level
			AND i.subject = x.subject AND i.version = 1 AND i.item_no = x.item_no
		LEFT JOIN (
			SELECT (d.document -> 'plan_no')::integer AS plan_no, d.document ->> 'level' AS level, d.document ->> 'subject' AS subject, j.no AS item_no,
				j.one, d.document
			FROM unnest(documents) AS d (document)
			CROSS JOIN LATERAL jsonb_array_elements(d.document -> 'indicators') WITH ORDINALITY AS j (one, no)
		) o ON o.plan_no = x.plan_no AND o.level = x.level AND o.subject = x.subject AND o.item_no = x.item_no
		ORDER BY x.plan_no, x.level, x.subject COLLATE "C", x.item_no;
END
$body$;
COMMENT ON FUNCTION appraisal.drift(text) IS 'What later facts would change in a closed period, where the sums or the stratum of a ticket differ (rule Z4): the frozen sums and those of now, these tickets, and points and score by the frozen reference, before excludes and points by hand. The cards do not change.';

-- ---- what is shown ----

CREATE VIEW appraisal.latest_card AS
WITH latest AS (
	SELECT DISTINCT ON (p.key, d.plan_no, d.level, d.subject) p.key, p.version AS period_version, p.closed_at, d.*
	FROM appraisal.closing p
	JOIN appraisal.closed_card d ON d.closing_no = p.closing_no
	WHERE NOT EXISTS (SELECT FROM appraisal.closing l WHERE l.key = p.key AND l.version > p.version)
	ORDER BY p.key, d.plan_no, d.level, d.subject, d.version DESC
), compared AS (
	SELECT
		l.key,
		l.plan_no,
		l.level,
		count(*) AS n,
		array_agg(l.score ORDER BY l.score) AS scores,
		array_agg(l.low ORDER BY l.low) AS lows,
		array_agg(-l.high ORDER BY -l.high) AS highs
	FROM latest l
	WHERE l.score IS NOT NULL
	GROUP BY l.key, l.plan_no, l.level
)
SELECT
	l.key, l.period_version, l.closed_at, l.closing_no, l.plan_no, l.plan, l.level, l.subject, l.version, l.made_at, l.status, l.weight,
	l.from_events, l.by_hand, l.base_score, l.score, l.low, l.high, l.grade, l.coefficient,
	-- As in appraisal.cards: width_bucket counts the values that are at most the given one.
	1 + o.n - width_bucket(l.score, o.scores) AS rank,
	1 + o.n - width_bucket(l.high, o.lows) AS best,
	width_bucket(-l.low, o.highs)::bigint AS worst,
	CASE WHEN l.score IS NOT NULL THEN o.n END AS ranked,
	l.dimensions, l.gaps, l.flags
FROM latest l
LEFT JOIN compared o ON o.key = l.key AND o.plan_no = l.plan_no AND o.level = l.level;
COMMENT ON VIEW appraisal.latest_card IS 'The latest version of each card of the latest version of each closed period, ranked among each other (rule Z5).';

CREATE VIEW report.group_card AS
SELECT
	c.key, c.plan, c.level, c.subject, c.period_version, c.version, c.closed_at, c.status, c.weight, c.from_events, c.score, c.low, c.high, c.grade,
	c.rank, c.best, c.worst, c.ranked
FROM appraisal.latest_card c
WHERE c.level IN ('team', 'project');
COMMENT ON VIEW report.group_card IS 'Scores of teams and projects in closed periods (docs/appraisal.md), in their latest versions. Nothing about single persons.';
COMMENT ON COLUMN report.group_card.key IS 'The period, such as 2026-03, 2026-Q1 or 2026.';
COMMENT ON COLUMN report.group_card.plan IS 'The plan.';
COMMENT ON COLUMN report.group_card.level IS 'team or project.';
COMMENT ON COLUMN report.group_card.subject IS 'The team or project.';
COMMENT ON COLUMN report.group_card.period_version IS 'Version of the period: 1 as closed, more after restatements.';
COMMENT ON COLUMN report.group_card.version IS 'Version of the card: 1 as closed, more after adjustments.';
COMMENT ON COLUMN report.group_card.closed_at IS 'When this version of the period was closed.';
COMMENT ON COLUMN report.group_card.status IS 'scored, or insufficient: too little weight has enough cases, so there is no score.';
COMMENT ON COLUMN report.group_card.weight IS 'Weight of the indicators that are scored, of 100.';
COMMENT ON COLUMN report.group_card.from_events IS 'How much of weight came from events, and not from manual entries.';
COMMENT ON COLUMN report.group_card.score IS 'Score, 0 to 100; NULL: insufficient.';
COMMENT ON COLUMN report.group_card.low IS 'Lower end of the interval of the score.';
COMMENT ON COLUMN report.group_card.high IS 'Upper end of the interval of the score.';
COMMENT ON COLUMN report.group_card.grade IS 'Grade; NULL: insufficient.';
COMMENT ON COLUMN report.group_card.rank IS 'Rank among the scored cards of the plan, level and period.';
COMMENT ON COLUMN report.group_card.best IS 'Best rank that the intervals allow.';
COMMENT ON COLUMN report.group_card.worst IS 'Worst rank that the intervals allow.';
COMMENT ON COLUMN report.group_card.ranked IS 'How many cards are ranked.';
INSERT INTO kpid.readme (object, grain, time_column, example)
VALUES
	('report.group_card', 'closed period × plan × team or project', 'closed_at',
		'SELECT key, level, subject, score, grade, rank, best, worst, ranked FROM report.group_card ORDER BY key, level, rank');

-- ---- appeals (rules W) ----

DO $role$
BEGIN
	RESET ROLE; -- kpid_owner may neither create roles nor schemas
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = 'kpid_agent') THEN
		BEGIN
			CREATE ROLE kpid_agent NOLOGIN;
			COMMENT ON ROLE kpid_agent IS 'May see and contest the own results of appraisals of kpid, and nothing else.';
		EXCEPTION
			WHEN duplicate_object OR unique_violation THEN
				NULL; -- the migration of another database was faster
			WHEN insufficient_privilege THEN
				RAISE EXCEPTION 'the role kpid_agent does not exist, and % may not create it; as a superuser: CREATE ROLE kpid_agent NOLOGIN',
					current_user;
		END;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = 'me') THEN
		BEGIN
			CREATE SCHEMA me AUTHORIZATION kpid_owner;
		EXCEPTION WHEN insufficient_privilege THEN
			RAISE EXCEPTION 'the schema me does not exist, and % may not create it; as a superuser: CREATE SCHEMA me AUTHORIZATION kpid_owner',
				current_user;
		END;
	END IF;
	SET LOCAL ROLE kpid_owner;
END
$role$;
COMMENT ON SCHEMA me IS 'What an agent sees and does: only the own results. The roster says which agent a login is.';
REVOKE ALL ON SCHEMA me FROM PUBLIC;
GRANT USAGE ON SCHEMA me TO kpid_agent;

CREATE TABLE appraisal.appeal (
	appeal_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	closing_no integer NOT NULL,
	plan_no integer NOT NULL,
	level text COLLATE "C" NOT NULL CHECK (level = 'agent'),
	subject text COLLATE "C" NOT NULL,
	version integer NOT NULL,
	indicator text COLLATE "C",
	tickets text[] COLLATE "C" NOT NULL,
	words text NOT NULL CHECK (length(words) BETWEEN 1 AND 2000),
	filed_at timestamptz NOT NULL,
	login text NOT NULL,
	FOREIGN KEY (closing_no, plan_no, level, subject, version) REFERENCES appraisal.closed_card
);
COMMENT ON TABLE appraisal.appeal IS 'Appeals of agents against a version of a card of theirs (rule W1).';
COMMENT ON COLUMN appraisal.appeal.indicator IS 'The indicator that is contested; NULL: the card.';

CREATE TABLE appraisal.appeal_end (
	appeal_no bigint PRIMARY KEY REFERENCES appraisal.appeal,
	state text NOT NULL CHECK (state IN ('withdrawn', 'accepted', 'rejected')),
	ended_at timestamptz NOT NULL,
	ended_by text NOT NULL CHECK (length(ended_by) BETWEEN 1 AND 200),
	login text NOT NULL,
	reason text NOT NULL CHECK (length(reason) <= 2000 AND (state = 'withdrawn' OR reason <> ''))
);
COMMENT ON TABLE appraisal.appeal_end IS 'How appeals ended. An appeal without a row is filed and waits for a decision.';

ALTER TABLE appraisal.adjustment
	ADD FOREIGN KEY (appeal_no) REFERENCES appraisal.appeal;

CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON appraisal.appeal FOR EACH ROW EXECUTE FUNCTION appraisal.refuse_change();
CREATE TRIGGER is_never_emptied BEFORE TRUNCATE ON appraisal.appeal FOR EACH STATEMENT EXECUTE FUNCTION appraisal.refuse_change();
CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON appraisal.appeal_end FOR EACH ROW EXECUTE FUNCTION appraisal.refuse_change();
CREATE TRIGGER is_never_emptied BEFORE TRUNCATE ON appraisal.appeal_end FOR EACH STATEMENT EXECUTE FUNCTION appraisal.refuse_change();

CREATE FUNCTION appraisal.within(plan jsonb, name text, absent_s numeric) RETURNS interval
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT coalesce(appraisal.number(plan -> name), absent_s)::double precision * interval '1 second'
$body$;
COMMENT ON FUNCTION appraisal.within(jsonb, text, numeric) IS 'A duration of a plan, such as appeal_within.';

CREATE VIEW appraisal.appeal_state AS
SELECT
	a.appeal_no, c.key, c.version AS period_version, a.closing_no, a.plan_no, p.plan ->> 'name' AS plan, a.subject AS agent_id, a.version,
	a.indicator, a.tickets, a.words, a.filed_at, a.login,
	coalesce(e.state, 'filed') AS state,
	a.filed_at + appraisal.within(p.plan, 'answer_within', 432000) AS answer_by,
	e.state IS NULL AND clock_timestamp() > a.filed_at + appraisal.within(p.plan, 'answer_within', 432000) AS overdue,
	e.ended_at, e.ended_by, e.reason
FROM appraisal.appeal a
JOIN appraisal.closing c ON c.closing_no = a.closing_no
JOIN appraisal.plan_revision r ON r.revision_no = c.revision_no
CROSS JOIN LATERAL (SELECT r.json::jsonb -> 'plans' -> (a.plan_no - 1) AS plan) p
LEFT JOIN appraisal.appeal_end e ON e.appeal_no = a.appeal_no;
COMMENT ON VIEW appraisal.appeal_state IS 'Appeals with their state: filed, withdrawn, accepted or rejected.';

CREATE FUNCTION appraisal.appeal_document(a appraisal.appeal_state) RETURNS jsonb
LANGUAGE sql STABLE
AS $body$
	SELECT jsonb_build_object(
		'appeal', (a).appeal_no, 'key', (a).key, 'period_version', (a).period_version, 'plan', (a).plan, 'agent', (a).agent_id,
		'version', (a).version, 'indicator', (a).indicator, 'tickets', to_jsonb((a).tickets), 'text', (a).words,
		'filed_at', (a).filed_at AT TIME ZONE 'UTC', 'state', (a).state, 'answer_by', (a).answer_by AT TIME ZONE 'UTC', 'overdue', (a).overdue,
		'ended_at', (a).ended_at AT TIME ZONE 'UTC', 'ended_by', (a).ended_by, 'reason', (a).reason,
		'adjustments', (
			SELECT coalesce(jsonb_agg(j.adjustment_no ORDER BY j.adjustment_no), '[]')
			FROM appraisal.adjustment j
			WHERE j.appeal_no = (a).appeal_no))
$body$;
COMMENT ON FUNCTION appraisal.appeal_document(appraisal.appeal_state) IS 'An appeal as a document.';

CREATE FUNCTION me.agents() RETURNS text[]
LANGUAGE sql STABLE
AS $body$
	SELECT ARRAY(
		SELECT DISTINCT r.agent_id
		FROM appraisal.roster r
		WHERE r.login <> '' AND r.login = coalesce(nullif(current_setting('role'), 'none'), session_user::text))
$body$;
COMMENT ON FUNCTION me.agents() IS 'The agents whose login in the roster is the caller: the role that was SET, otherwise the login of the session (rule V2).';

CREATE FUNCTION me.appeal(key text, plan text, indicator text, tickets text[], words text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	agents text[] := me.agents();
	c appraisal.closing;
	rules jsonb;
	cards appraisal.closed_card[];
	card appraisal.closed_card;
	until timestamptz;
	wrong text;
	refusal text;
	no bigint;
BEGIN
	LOCK TABLE appraisal.closing IN SHARE MODE;
	c := appraisal.latest_closing(key);
	cards := ARRAY(
		SELECT d
		FROM appraisal.closed_card d
		WHERE d.closing_no = c.closing_no AND d.level = 'agent' AND d.subject = ANY (agents) AND d.plan = coalesce($2, d.plan)
			AND NOT EXISTS (
				SELECT FROM appraisal.closed_card l
				WHERE l.closing_no = d.closing_no AND l.plan_no = d.plan_no AND l.level = d.level AND l.subject = d.subject
					AND l.version > d.version)
	);
	card := cards[1];
	rules := (SELECT r.json::jsonb -> 'plans' -> (card.plan_no - 1) FROM appraisal.plan_revision r WHERE r.revision_no = c.revision_no);
	until := card.made_at + appraisal.within(rules, 'appeal_within', 604800);
	wrong := (
		SELECT min(t.ticket_id)
		FROM unnest($4) AS t (ticket_id)
		WHERE NOT EXISTS (
			SELECT FROM appraisal.closed_row r
			WHERE r.closing_no = c.closing_no AND r.plan_no = card.plan_no AND r.agent_id = card.subject AND r.ticket_id = t.ticket_id));
	IF cardinality(cards) = 0 THEN
		refusal := format('you have no such card in %s', $1);
	ELSIF cardinality(cards) > 1 THEN
		refusal := format('you have several cards in %s; name the plan: %s', $1, (SELECT string_agg(d.plan, ', ' ORDER BY d.plan_no) FROM unnest(cards) AS d));
	ELSIF clock_timestamp() > until THEN
		refusal := format('the time to appeal ended at %s UTC', to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'));
	ELSIF $3 IS NOT NULL AND NOT EXISTS (SELECT FROM jsonb_array_elements(rules -> 'indicators') AS i (of) WHERE i.of ->> 'name' = $3) THEN
		refusal := format('the plan has no indicator %s', $3);
	ELSIF wrong IS NOT NULL THEN
		refusal := format('ticket %s is not behind your card', wrong);
	ELSIF coalesce(length(btrim($5)), 0) NOT BETWEEN 1 AND 2000 THEN
		refusal := 'say what is wrong, in 1 to 2,000 characters';
	END IF;
	IF refusal IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = refusal;
	END IF;
	INSERT INTO appraisal.appeal (closing_no, plan_no, level, subject, version, indicator, tickets, words, filed_at, login)
	VALUES (c.closing_no, card.plan_no, 'agent', card.subject, card.version, $3, coalesce($4, '{}'), $5, clock_timestamp(),
		coalesce(nullif(current_setting('role'), 'none'), session_user::text))
	RETURNING appeal_no INTO no;
	RETURN no;
END
$body$;
COMMENT ON FUNCTION me.appeal(text, text, text, text[], text) IS 'Files an appeal against the latest version of the own card of a closed period: the card, an indicator (or NULL) or tickets (or NULL). plan may be NULL if there is one card.';

CREATE FUNCTION me.withdraw(appeal_no bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	mine record;
BEGIN
	LOCK TABLE appraisal.closing IN SHARE MODE;
	SELECT a.state, a.agent_id INTO mine FROM appraisal.appeal_state a WHERE a.appeal_no = $1 AND a.agent_id = ANY (me.agents());
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('you have no appeal %s', $1);
	ELSIF mine.state <> 'filed' THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('appeal %s is %s already', $1, mine.state);
	END IF;
	INSERT INTO appraisal.appeal_end
	VALUES ($1, 'withdrawn', clock_timestamp(), mine.agent_id, coalesce(nullif(current_setting('role'), 'none'), session_user::text), '');
END
$body$;
COMMENT ON FUNCTION me.withdraw(bigint) IS 'Withdraws an own appeal that is not decided.';

CREATE FUNCTION me.appeals() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
	SELECT coalesce(jsonb_agg(appraisal.appeal_document(a) ORDER BY a.appeal_no), '[]')
	FROM appraisal.appeal_state a
	WHERE a.agent_id = ANY (me.agents())
$body$;
COMMENT ON FUNCTION me.appeals() IS 'The own appeals.';

CREATE FUNCTION appraisal.appeals(key text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
	RETURN (
		SELECT coalesce(jsonb_agg(appraisal.appeal_document(a) ORDER BY a.appeal_no), '[]')
		FROM appraisal.appeal_state a
		WHERE a.key = (appraisal.latest_closing($1)).key);
END
$body$;
COMMENT ON FUNCTION appraisal.appeals(text) IS 'The appeals against cards of a closed period.';

CREATE FUNCTION appraisal.decide(appeal_no bigint, accept boolean, changes jsonb, who text, why text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $body$
DECLARE
	decider text := appraisal.hr_login();
	a record;
	refusal text;
	results jsonb := '[]';
	change jsonb;
BEGIN
	PERFORM appraisal.check_record(who, why);
	LOCK TABLE appraisal.closing IN SHARE ROW EXCLUSIVE MODE;
	SELECT s.* INTO a FROM appraisal.appeal_state s WHERE s.appeal_no = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no appeal %s', $1);
	ELSIF a.state <> 'filed' THEN
		refusal := format('appeal %s is %s already', $1, a.state);
	ELSIF appraisal.is_caller(a.agent_id) OR a.login = ANY (appraisal.callers()) THEN
		refusal := 'nobody decides about an appeal of his own';
	ELSIF EXISTS (SELECT FROM appraisal.closing c WHERE c.key = a.key AND (c.login = decider OR c.login = ANY (appraisal.callers()))) THEN
		refusal := format('%s has closed %s, so somebody else decides', decider, a.key);
	ELSIF accept IS NULL OR jsonb_typeof(coalesce(changes, '[]')) <> 'array' THEN
		refusal := 'accept with a list of adjustments, or reject';
	ELSIF accept AND coalesce(changes, '[]') = '[]' THEN
		refusal := 'an appeal is accepted with at least one adjustment of its card';
	ELSIF NOT accept AND coalesce(changes, '[]') <> '[]' THEN
		refusal := 'an appeal is rejected without adjustments';
	END IF;
	IF refusal IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = refusal;
	END IF;
	INSERT INTO appraisal.appeal_end
	VALUES ($1, CASE WHEN accept THEN 'accepted' ELSE 'rejected' END, clock_timestamp(), who, decider, why);
	FOR change IN SELECT e.of FROM jsonb_array_elements(coalesce(changes, '[]')) WITH ORDINALITY AS e (of, no) ORDER BY e.no LOOP
		results := results || appraisal.add_adjustment(a.key, a.plan, 'agent', a.agent_id, change, who, decider, why, $1);
	END LOOP;
	RETURN jsonb_build_object('appeal', $1, 'state', CASE WHEN accept THEN 'accepted' ELSE 'rejected' END, 'adjustments', results);
END
$body$;
COMMENT ON FUNCTION appraisal.decide(bigint, boolean, jsonb, text, text) IS 'Decides an appeal (rule W1), by somebody who is neither the agent nor closed the period. changes: a list of adjustments as of appraisal.adjust; accepting needs at least one.';

CREATE FUNCTION appraisal.closed(key text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $body$
DECLARE
	c appraisal.closing := appraisal.latest_closing(key);
	revision jsonb := (SELECT p.json::jsonb FROM appraisal.plan_revision p WHERE p.revision_no = c.revision_no);
BEGIN
	RETURN appraisal.summary(c.closing_no) || jsonb_build_object('state', 'closed', 'plans', (
		SELECT coalesce(jsonb_agg(jsonb_build_object('name', p.plan ->> 'name', 'rules', p.plan, 'cards', coalesce(k.list, '[]')) ORDER BY p.plan_no), '[]')
		FROM appraisal.plans_of(revision, c.cycle) AS p
		LEFT JOIN (
			SELECT
				l.plan_no,
				jsonb_agg(to_jsonb(l) - ARRAY['key', 'period_version', 'closed_at', 'closing_no', 'plan_no', 'plan', 'made_at']
					|| jsonb_build_object('made_at', l.made_at AT TIME ZONE 'UTC', 'indicators', i.list, 'open_appeals', a.n_open,
						-- Rule Z8. NULL while an appeal is open.
						'final_at', CASE WHEN a.n_open = 0 THEN greatest(l.closed_at
							+ appraisal.within(revision -> 'plans' -> (l.plan_no - 1), 'appeal_within', 604800), a.decided_at) AT TIME ZONE 'UTC' END)
					ORDER BY l.level COLLATE "C", l.rank, l.subject) AS list
			FROM appraisal.latest_card l
			JOIN (
				SELECT o.plan_no, o.level, o.subject, o.version, jsonb_agg(
					to_jsonb(o) - ARRAY['closing_no', 'plan_no', 'level', 'subject', 'version', 'item_no'] ORDER BY o.item_no) AS list
				FROM appraisal.closed_indicator o
				WHERE o.closing_no = c.closing_no
				GROUP BY o.plan_no, o.level, o.subject, o.version
			) i ON i.plan_no = l.plan_no AND i.level = l.level AND i.subject = l.subject AND i.version = l.version
			CROSS JOIN LATERAL (
				SELECT count(*) FILTER (WHERE s.state = 'filed') AS n_open, max(s.ended_at) FILTER (WHERE s.state IN ('accepted', 'rejected')) AS decided_at
				FROM appraisal.appeal_state s
				WHERE s.key = l.key AND s.plan = l.plan AND s.agent_id = l.subject AND l.level = 'agent'
			) a
			WHERE l.closing_no = c.closing_no
			GROUP BY l.plan_no
		) k ON k.plan_no = p.plan_no
	), 'adjustments', (
		SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('adjustment', a.adjustment_no, 'plan', a.plan, 'level', a.level,
			'subject', a.subject, 'exclude', a.ticket_id, 'indicator', a.indicator, 'points', a.points, 'undo', a.undoes, 'appeal', a.appeal_no,
			'adjusted_at', a.adjusted_at AT TIME ZONE 'UTC', 'adjusted_by', a.adjusted_by, 'login', a.login, 'why', a.why)) ORDER BY a.adjustment_no), '[]')
		FROM appraisal.adjustment a
		WHERE a.key = c.key
	));
END
$body$;
COMMENT ON FUNCTION appraisal.closed(text) IS 'The cards of a closed period in their latest versions, with its adjustments.';

REVOKE ALL ON ALL ROUTINES IN SCHEMA appraisal, me FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
	appraisal.close(text, text, text, boolean), appraisal.restate(text, text, text, boolean), appraisal.verify(text), appraisal.drift(text),
	appraisal.closed(text), appraisal.adjust(text, text, text, text, jsonb, text, text),
	appraisal.enter(text, text, text, text, text, numeric, numeric, text, text), appraisal.appeals(text),
	appraisal.decide(bigint, boolean, jsonb, text, text)
	TO kpid_hr;
GRANT EXECUTE ON FUNCTION me.appeal(text, text, text, text[], text), me.withdraw(bigint), me.appeals() TO kpid_agent;
