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

REVOKE ALL ON ALL ROUTINES IN SCHEMA appraisal FROM PUBLIC;
