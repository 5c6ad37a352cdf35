-- Appraisals: plans, the roster, entries by hand, and how a plan file becomes numbers and conditions (rules I of
-- docs/appraisal.md). 0017_scores.sql computes cards from them.
--
-- Results of single persons are never in the schema report, which every reader sees. They come from functions of the schema
-- appraisal, which only kpid_hr may call.

DO $role$
BEGIN
	RESET ROLE; -- kpid_owner may neither create roles nor schemas
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = 'kpid_hr') THEN
		BEGIN
			CREATE ROLE kpid_hr NOLOGIN;
			COMMENT ON ROLE kpid_hr IS 'May appraise: stores plans and the roster of kpid, and sees the results of all persons.';
		EXCEPTION
			WHEN duplicate_object OR unique_violation THEN
				NULL; -- the migration of another database was faster
			WHEN insufficient_privilege THEN
				RAISE EXCEPTION 'the role kpid_hr does not exist, and % may not create it; as a superuser: CREATE ROLE kpid_hr NOLOGIN',
					current_user;
		END;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = 'appraisal') THEN
		BEGIN
			CREATE SCHEMA appraisal AUTHORIZATION kpid_owner;
		EXCEPTION WHEN insufficient_privilege THEN
			RAISE EXCEPTION 'the schema appraisal does not exist, and % may not create it; as a superuser: CREATE SCHEMA appraisal AUTHORIZATION kpid_owner',
				current_user;
		END;
	END IF;
	SET LOCAL ROLE kpid_owner;
END
$role$;
COMMENT ON SCHEMA appraisal IS 'Scores of persons and groups. Its tables are private to kpid: call its functions.';
REVOKE ALL ON SCHEMA appraisal FROM PUBLIC;
GRANT USAGE ON SCHEMA appraisal TO kpid_hr;

CREATE TABLE appraisal.plan_revision (
	revision_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id text COLLATE "C" NOT NULL UNIQUE,
	effective_from timestamptz NOT NULL UNIQUE,
	json text NOT NULL,
	sha256 bytea NOT NULL,
	stored_at timestamptz NOT NULL DEFAULT now(),
	stored_by text NOT NULL CHECK (length(stored_by) <= 200)
);
COMMENT ON TABLE appraisal.plan_revision IS 'The exact text of every revision of the plan file. Rows never change, so every score can be explained (rule I7).';
COMMENT ON COLUMN appraisal.plan_revision.effective_from IS 'Periods that begin at this instant or later are appraised by it, until the next one; ''-infinity'': it has no start.';
COMMENT ON COLUMN appraisal.plan_revision.json IS 'Compact JSON with its keys sorted by bytes.';

CREATE TABLE appraisal.roster (
	agent_id text COLLATE "C" NOT NULL CHECK (agent_id <> ''),
	role text COLLATE "C" NOT NULL,
	team_id text COLLATE "C" NOT NULL,
	since date,
	until date,
	login text COLLATE "C" NOT NULL,
	leads text COLLATE "C" NOT NULL,
	CHECK (until >= since)
);
CREATE INDEX roster_agent_id ON appraisal.roster (agent_id);
COMMENT ON TABLE appraisal.roster IS 'Who has which role on which days (rule I2). kpid appraisal roster replaces all rows.';
COMMENT ON COLUMN appraisal.roster.since IS 'The first day; NULL: no start.';
COMMENT ON COLUMN appraisal.roster.until IS 'The last day; NULL: no end.';
COMMENT ON COLUMN appraisal.roster.login IS 'The role of PostgreSQL by which the agent logs in; '''': none.';
COMMENT ON COLUMN appraisal.roster.leads IS 'The team that the agent leads; '''': none.';

CREATE TABLE appraisal.roster_load (
	loaded_at timestamptz NOT NULL DEFAULT now(),
	loaded_by text NOT NULL CHECK (length(loaded_by) <= 200),
	n_rows integer NOT NULL
);
COMMENT ON TABLE appraisal.roster_load IS 'Each time that the roster was replaced.';

CREATE TABLE appraisal.manual_entry (
	entry_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key text COLLATE "C" NOT NULL,
	plan text COLLATE "C" NOT NULL,
	level text NOT NULL CHECK (level IN ('agent', 'team', 'project')),
	subject text COLLATE "C" NOT NULL CHECK (subject <> ''),
	indicator text COLLATE "C" NOT NULL,
	above numeric NOT NULL CHECK (above NOT IN ('NaN', 'Infinity', '-Infinity')),
	base numeric NOT NULL CHECK (base >= 0 AND base NOT IN ('NaN', 'Infinity')),
	entered_at timestamptz NOT NULL DEFAULT now(),
	entered_by text NOT NULL CHECK (length(entered_by) <= 200),
	why text NOT NULL CHECK (length(why) <= 2000)
);
CREATE INDEX manual_entry_key ON appraisal.manual_entry (key);
COMMENT ON TABLE appraisal.manual_entry IS 'Values of indicators that people entered. Rows never change: of one card and indicator the latest counts.';

-- ---- storing ----

CREATE FUNCTION appraisal.apply_revisions(revisions jsonb, who text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	r record;
	n integer := 0;
	n_stored integer;
BEGIN
	LOCK TABLE appraisal.plan_revision IN SHARE ROW EXCLUSIVE MODE;
	FOR r IN
		SELECT a.id, a.effective_from AS starts, a.json
		FROM jsonb_to_recordset(revisions) AS a (id text, effective_from timestamptz, json text)
	LOOP
		IF EXISTS (SELECT FROM appraisal.plan_revision p WHERE p.id = r.id AND p.json <> r.json) THEN
			RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
				'revision %s was stored before with other content, and a stored revision never changes; give the new content another id and effective_from', r.id);
		END IF;
		IF EXISTS (SELECT FROM appraisal.plan_revision p WHERE p.effective_from = r.starts AND p.id <> r.id) THEN
			RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
				'revision %s starts at the same time as a stored one; give it another effective_from', r.id);
		END IF;
		INSERT INTO appraisal.plan_revision (id, effective_from, json, sha256, stored_by)
		VALUES (r.id, r.starts, r.json, sha256(convert_to(r.json, 'UTF8')), who)
		ON CONFLICT (id) DO NOTHING;
		GET DIAGNOSTICS n_stored = ROW_COUNT;
		n := n + n_stored;
	END LOOP;
	RETURN n;
END
$body$;
COMMENT ON FUNCTION appraisal.apply_revisions(jsonb, text) IS 'Stores revisions of the plan file, each with id, effective_from and json (its exact text), and returns how many were new. kpid appraisal apply checks the file first.';

CREATE FUNCTION appraisal.least_settle_us() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
	SELECT ARRAY[
		coalesce((SELECT s.value FROM kpid.setting s WHERE s.name = 'kpi.fcr_window_us'), '604800000000')::bigint,
		(extract(epoch FROM coalesce((SELECT s.value FROM kpid.setting s WHERE s.name = 'appraisal.callback_within'), '7d')::interval) * 1000000)::bigint
	]
$body$;
COMMENT ON FUNCTION appraisal.least_settle_us() IS 'kpi.fcr_window and callback_within of this database, in microseconds: settle of a plan must not be shorter (rule I6).';

CREATE FUNCTION appraisal.replace_roster(entries jsonb, who text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	n integer;
BEGIN
	LOCK TABLE appraisal.roster IN SHARE ROW EXCLUSIVE MODE;
	DELETE FROM appraisal.roster;
	INSERT INTO appraisal.roster (agent_id, role, team_id, since, until, login, leads)
	SELECT r.agent, coalesce(r.role, ''), coalesce(r.team, ''), r.since, r.until, coalesce(r.login, ''), coalesce(r.leads, '')
	FROM jsonb_to_recordset(entries)
		AS r (agent text, role text, team text, since date, until date, login text, leads text);
	GET DIAGNOSTICS n = ROW_COUNT;
	INSERT INTO appraisal.roster_load (loaded_by, n_rows) VALUES (who, n);
	RETURN n;
END
$body$;
COMMENT ON FUNCTION appraisal.replace_roster(jsonb, text) IS 'Replaces the whole roster by a list of objects with the columns of the roster file, and returns its number of rows.';

-- ---- numbers ----

CREATE FUNCTION appraisal.rounded(x numeric, decimals integer) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$
	SELECT round(
		sign(x) * floor(abs(x) * ('1e' || decimals)::numeric + 0.5 + ('1e' || (decimals - 20))::numeric) * ('1e-' || decimals)::numeric,
		decimals)
$body$;
COMMENT ON FUNCTION appraisal.rounded(numeric, integer) IS 'R(x, decimals) of rule R0: half away from zero.';

CREATE FUNCTION appraisal.quotient(above numeric, under numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$
	SELECT round(above, 60) / nullif(under, 0)
$body$;
COMMENT ON FUNCTION appraisal.quotient(numeric, numeric) IS 'To 60 decimals (rule R0 asks for 40); NULL if under is 0.';

CREATE FUNCTION appraisal.clipped(x numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$
	SELECT CASE WHEN x < 0 THEN 0 WHEN x > 1 THEN 1 ELSE x END
$body$;
COMMENT ON FUNCTION appraisal.clipped(numeric) IS 'Cut to 0 to 1; NULL stays NULL.';

CREATE FUNCTION appraisal.wilson(above numeric, under numeric) RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $body$
DECLARE
	z CONSTANT numeric := 1.959964;
	p numeric;
	middle numeric;
	spread numeric;
	scale numeric;
BEGIN
	IF under IS NULL OR under <= 0 THEN
		RETURN NULL;
	END IF;
	p := appraisal.clipped(appraisal.quotient(above, under));
	middle := p + appraisal.quotient(z * z, 2 * under);
	spread := z * sqrt(round(appraisal.quotient(p * (1 - p), under) + appraisal.quotient(z * z, 4 * under * under), 60));
	scale := 1 + appraisal.quotient(z * z, under);
	RETURN ARRAY[
		appraisal.rounded(appraisal.clipped(appraisal.quotient(middle - spread, scale)), 4),
		appraisal.rounded(appraisal.clipped(appraisal.quotient(middle + spread, scale)), 4)
	];
END
$body$;
COMMENT ON FUNCTION appraisal.wilson(numeric, numeric) IS 'Low and high of rule J1; NULL without a base.';

CREATE FUNCTION appraisal.number(value jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$
	SELECT CASE
		WHEN t.text ~ '%$' THEN left(t.text, -1)::numeric * 0.01
		WHEN t.text ~ '[dhms]$' THEN (
			SELECT sum(part[1]::numeric * CASE part[2] WHEN 'd' THEN 86400 WHEN 'h' THEN 3600 WHEN 'm' THEN 60 ELSE 1 END)
				* CASE WHEN t.text LIKE '-%' THEN -1 ELSE 1 END
			FROM regexp_matches(t.text, '(\d+)([dhms])', 'g') AS part
		)
		ELSE t.text::numeric
	END
	FROM (SELECT value #>> '{}' AS text) t
$body$;
COMMENT ON FUNCTION appraisal.number(jsonb) IS 'A number of the plan file (rule I1); NULL if there is none.';

-- ---- conditions and sums, as SQL ----

CREATE FUNCTION appraisal.pattern_sql(operand text, patterns jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$
	SELECT '(' || string_agg(
		CASE
			WHEN p.pattern = '' THEN format('%s = ''''', operand)
			WHEN strpos(p.pattern, '*') = 0 THEN format('%s = %L', operand, p.pattern)
			ELSE format('(%s <> '''' AND %s LIKE %L)', operand, operand,
				replace(replace(replace(replace(p.pattern, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'))
		END, ' OR ') || ')'
	FROM jsonb_array_elements_text(patterns) AS p (pattern)
$body$;
COMMENT ON FUNCTION appraisal.pattern_sql(text, jsonb) IS 'The condition that one of the patterns holds (rule P1).';

CREATE FUNCTION appraisal.match_sql(alias text, match jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$
	SELECT coalesce(string_agg(appraisal.pattern_sql(format('%s.%I', alias, m.key), m.value), ' AND '), 'true')
	FROM jsonb_each(match) AS m
$body$;
COMMENT ON FUNCTION appraisal.match_sql(text, jsonb) IS 'The condition of match or where on the row of an alias; NULL holds always.';

CREATE FUNCTION appraisal.terms(value text)
RETURNS TABLE (is_under boolean, factor bigint, name text, dimension text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $body$
DECLARE
	token text[];
	sign bigint := 1;
	digits bigint;
BEGIN
	is_under := false;
	FOR token IN
		SELECT m
		FROM regexp_matches(value, '([a-z0-9_]*[a-z_][a-z0-9_]*)(?:\(([^()]*)\))?|(\d+)|([-+/])', 'g') AS m
	LOOP
		IF token[1] IS NOT NULL THEN
			factor := sign * coalesce(digits, 1);
			name := token[1];
			dimension := token[2];
			digits := NULL;
			RETURN NEXT;
		ELSIF token[3] IS NOT NULL THEN
			digits := token[3];
		ELSE
			sign := CASE token[4] WHEN '-' THEN -1 ELSE 1 END;
			is_under := is_under OR token[4] = '/';
		END IF;
	END LOOP;
END
$body$;
COMMENT ON FUNCTION appraisal.terms(text) IS 'The terms of a value (rule I3) of a checked plan file. manual has no terms that are columns.';

CREATE FUNCTION appraisal.column_of(name text, dimension text, dimensions text[]) RETURNS text
LANGUAGE plpgsql STABLE
AS $body$
BEGIN
	IF dimension IS NOT NULL AND name IN ('answered', 'perceived_sum', 'paired', 'gap_sum') AND dimension = ANY (dimensions) THEN
		RETURN format('q%s_%s', array_position(dimensions, dimension), name);
	END IF;
	IF dimension IS NULL AND EXISTS (
		SELECT FROM pg_attribute a
		WHERE a.attrelid = 'report.ledger'::regclass AND a.attnum > 8 AND NOT a.attisdropped AND a.attname = name
	) THEN
		RETURN name;
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('%s is no column of the ledger', name);
END
$body$;
COMMENT ON FUNCTION appraisal.column_of(text, text, text[]) IS 'The column of the rows that are added up, as in a value; dimensions are those of servqual, in an order of their own.';

CREATE FUNCTION appraisal.sum_sql(value text, under boolean, dimensions text[]) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT coalesce(string_agg(format('%s * c.%I', t.factor, appraisal.column_of(t.name, t.dimension, dimensions)), ' + '), '0')
	FROM appraisal.terms(value) AS t
	WHERE t.is_under = under
$body$;
COMMENT ON FUNCTION appraisal.sum_sql(text, boolean, text[]) IS 'One SUM of a value (rule I3), over a row with the alias c.';

CREATE FUNCTION appraisal.strata_sql(adjust jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$
	SELECT format('ARRAY[%s]::text[]', string_agg(
		CASE
			WHEN a.attribute LIKE 'category:%' THEN format(
				'array_to_string((string_to_array(c.category, ''/''))[1:%s], ''/'')', substr(a.attribute, 10)::integer)
			ELSE format('c.%I', a.attribute)
		END, ', ' ORDER BY a.no))
	FROM jsonb_array_elements_text(adjust) WITH ORDINALITY AS a (attribute, no)
$body$;
COMMENT ON FUNCTION appraisal.strata_sql(jsonb) IS 'The values of the attributes of adjust (rule J2), of a row with the alias c.';

CREATE FUNCTION appraisal.plans_of(revision jsonb, cycle text)
RETURNS TABLE (plan_no integer, plan jsonb)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$
	SELECT p.no::integer, p.plan
	FROM jsonb_array_elements(revision -> 'plans') WITH ORDINALITY AS p (plan, no)
	WHERE p.plan -> 'cycles' ? cycle
$body$;
COMMENT ON FUNCTION appraisal.plans_of(jsonb, text) IS 'The plans of a revision that have a cycle, by their number in the file.';

CREATE TYPE appraisal.fact AS (
	plan_no integer,
	kind text,
	item_no integer,
	level text,
	subject text,
	stratum text[],
	above numeric,
	under numeric
);
COMMENT ON TYPE appraisal.fact IS 'Sums of one card. kind: card (it exists), indicator, adjusted (one row per stratum), tickets (above: distinct tickets), manual, flag, perception, gap (of the dimension in stratum).';

-- ---- periods ----

CREATE TYPE appraisal.period AS (
	key text,
	cycle text,
	first date,
	last date,
	begins_at timestamptz,
	ends_at timestamptz,
	decides_at timestamptz,
	as_of timestamptz,
	time_zone text
);
COMMENT ON TYPE appraisal.period IS 'A period (rules C): its dates, both included, its bounds, and the instant that decides which revision appraises it.';

CREATE FUNCTION appraisal.period_of(key text) RETURNS appraisal.period
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	period appraisal.period;
	parts text[];
	months integer;
BEGIN
	period.key := key;
	period.time_zone := coalesce((SELECT s.value FROM kpid.setting s WHERE s.name = 'report.time_zone'), 'UTC');
	period.as_of := coalesce((SELECT l.as_of FROM kpid.ledger_state l WHERE isfinite(l.as_of)), statement_timestamp());
	parts := regexp_match(key, '^([12]\d{3})(?:-(0[1-9]|1[0-2])|-Q([1-4]))?$');
	IF key = 'last:28d' THEN
		period.cycle := 'month';
		period.last := kpid.day_of(period.as_of, period.time_zone);
		period.first := period.last - 27;
	ELSIF parts IS NOT NULL THEN
		period.cycle := CASE WHEN parts[2] IS NOT NULL THEN 'month' WHEN parts[3] IS NOT NULL THEN 'quarter' ELSE 'year' END;
		months := CASE period.cycle WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 ELSE 12 END;
		period.first := make_date(parts[1]::integer, coalesce(parts[2]::integer, parts[3]::integer * 3 - 2, 1), 1);
		period.last := period.first + make_interval(months => months) - interval '1 day';
	ELSE
		RAISE EXCEPTION USING ERRCODE = 'invalid_datetime_format', MESSAGE = format(
			'%s is no period; write a month such as 2026-03, a quarter such as 2026-Q1, a year such as 2026, or last:28d', key);
	END IF;
	period.begins_at := kpid.day_start(period.first, period.time_zone);
	period.ends_at := kpid.day_start(period.last + 1, period.time_zone);
	period.decides_at := CASE key WHEN 'last:28d' THEN period.as_of ELSE period.begins_at END;
	RETURN period;
END
$body$;
COMMENT ON FUNCTION appraisal.period_of(text) IS 'The period of a key, such as 2026-03 (rule C2).';

CREATE FUNCTION appraisal.manual_facts(key text, revision jsonb, cycle text) RETURNS SETOF appraisal.fact
LANGUAGE sql STABLE
AS $body$
	SELECT DISTINCT ON (p.plan_no, i.no, e.level, e.subject)
		p.plan_no, 'manual', i.no::integer, e.level, e.subject, '{}'::text[], e.above, e.base
	FROM appraisal.manual_entry e
	JOIN appraisal.plans_of(revision, cycle) AS p ON p.plan ->> 'name' = e.plan
	CROSS JOIN LATERAL jsonb_array_elements(p.plan -> 'indicators') WITH ORDINALITY AS i (indicator, no)
	WHERE e.key = manual_facts.key AND i.indicator ->> 'name' = e.indicator AND i.indicator ->> 'value' = 'manual'
	ORDER BY p.plan_no, i.no, e.level, e.subject, e.entry_no DESC
$body$;
COMMENT ON FUNCTION appraisal.manual_facts(text, jsonb, text) IS 'What people entered for the cards of a period: of one card and indicator the latest entry.';

-- ---- the rows that the plans take ----

CREATE FUNCTION appraisal.roles_sql(revision jsonb, cycle text, first date, last date) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT format(
		'SELECT x.agent_id, x.day, array_remove(ARRAY[%s]::integer[], NULL) AS plan_nos'
		' FROM (SELECT s.agent_id, d.at::date AS day, s.role FROM appraisal.roster s'
		' CROSS JOIN LATERAL generate_series(greatest(s.since, %L::date)::timestamp, least(s.until, %L::date)::timestamp, ''1 day'') AS d (at)) x'
		' GROUP BY x.agent_id, x.day',
		string_agg(
			format('CASE WHEN bool_or(x.role <> '''' AND %s) OR (bool_and(x.role = '''') AND %s) THEN %s END',
				appraisal.pattern_sql('x.role', p.plan -> 'roles'), (p.plan -> 'roles' ? '')::text, p.plan_no), ', ' ORDER BY p.plan_no),
		first, last)
	FROM appraisal.plans_of(revision, cycle) AS p
	WHERE p.plan ? 'roles'
$body$;
COMMENT ON FUNCTION appraisal.roles_sql(jsonb, text, date, date) IS 'A query: the plans whose roles each agent has on each day (rule I2).';

CREATE FUNCTION appraisal.rows_sql(revision jsonb, cycle text, first date, last date, names text[]) RETURNS text
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
		' FROM report.ledger l LEFT JOIN (%s) r ON r.agent_id = l.agent_id AND r.day = l.day WHERE l.day BETWEEN %L AND %L',
		cases,
		(SELECT string_agg(format(', l.%I', c.name), '' ORDER BY c.name) FROM unnest(names) AS c (name)),
		coalesce(appraisal.roles_sql(revision, cycle, first, last),
			'SELECT NULL::text AS agent_id, NULL::date AS day, NULL::integer[] AS plan_nos WHERE false'),
		first, last);
END
$body$;
COMMENT ON FUNCTION appraisal.rows_sql(jsonb, text, date, date, text[]) IS 'A query: the rows of the ledger with the plan that takes each (rule I2), NULL if none does, and the named measures.';

-- ---- facts ----

CREATE FUNCTION appraisal.columns_of(revision jsonb, cycle text, dimensions text[]) RETURNS text[]
LANGUAGE sql STABLE
AS $body$
	SELECT coalesce(array_agg(DISTINCT appraisal.column_of(t.name, t.dimension, dimensions)), '{}')
	FROM appraisal.plans_of(revision, cycle) AS p
	CROSS JOIN LATERAL (
		SELECT i ->> 'value' AS value
		FROM jsonb_array_elements(p.plan -> 'indicators') AS i
		WHERE i ->> 'value' <> 'manual'
		UNION ALL
		SELECT f ->> side.key
		FROM jsonb_array_elements(p.plan -> 'flags') AS f
		CROSS JOIN (VALUES ('mark'), ('per')) AS side (key)
	) v
	CROSS JOIN LATERAL appraisal.terms(v.value) AS t
$body$;
COMMENT ON FUNCTION appraisal.columns_of(jsonb, text, text[]) IS 'The columns that the values and flags of a cycle add up.';

CREATE FUNCTION appraisal.dimension_sql(servqual jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT coalesce('CASE i.item ' || string_agg(format('WHEN %L THEN %L', item.name, d.key), ' ') || ' ELSE '''' END', '''''::text')
	FROM jsonb_each(servqual) AS d
	CROSS JOIN LATERAL jsonb_array_elements_text(d.value) AS item (name)
$body$;
COMMENT ON FUNCTION appraisal.dimension_sql(jsonb) IS 'The dimension of an item (rule Q1), of a row with the alias i.';

CREATE FUNCTION appraisal.dimensions_of(revision jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT ARRAY(SELECT d.name FROM jsonb_object_keys(revision -> 'servqual') AS d (name) ORDER BY d.name COLLATE "C")
$body$;
COMMENT ON FUNCTION appraisal.dimensions_of(jsonb) IS 'The dimensions of servqual, in a fixed order.';

CREATE FUNCTION appraisal.cells_sql(names text[], dimensions text[], keys text) RETURNS text
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT format('SELECT %s%s FROM (SELECT %1$s%3$s FROM taken', keys,
			string_agg(format(', sum(%I) AS %1$I', c.name), '' ORDER BY c.name),
			string_agg(CASE WHEN c.dimension IS NULL THEN format(', %I', c.name) ELSE format(', 0::numeric AS %I', c.name) END, '' ORDER BY c.name))
		|| CASE WHEN bool_or(c.dimension IS NOT NULL) THEN
			format(' UNION ALL SELECT %s%s FROM items', keys,
				string_agg(CASE WHEN c.dimension IS NULL THEN ', 0'
					ELSE format(', CASE WHEN dimension = %L THEN %I ELSE 0 END', c.dimension, c.item_column) END, '' ORDER BY c.name))
			ELSE '' END
		|| ') u GROUP BY ' || keys
	FROM (
		SELECT
			n.name,
			dimensions[substring(n.name FROM '^q(\d+)_')::integer] AS dimension,
			substring(n.name FROM '^q\d+_(.*)$') AS item_column
		FROM unnest(names) AS n (name)
	) c
$body$;
COMMENT ON FUNCTION appraisal.cells_sql(text[], text[], text) IS 'A query: the sums of the rows that agree in everything by which they are chosen.';

CREATE FUNCTION appraisal.has_under(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT EXISTS (SELECT FROM appraisal.terms(value) AS t WHERE t.is_under)
$body$;
COMMENT ON FUNCTION appraisal.has_under(text) IS 'Whether a value is a quotient.';

CREATE FUNCTION appraisal.indicator_sql(plan_no integer, item_no integer, indicator jsonb, levels text, dimensions text[]) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT format('SELECT %s, %L::text, %s, v.level, v.subject, %s, sum(%s)::numeric, sum(%s)::numeric'
			' FROM cells c CROSS JOIN LATERAL (VALUES %s) AS v (level, subject)'
			' WHERE c.plan_no = %1$s AND %8$s AND (v.level = ''agent'' OR v.subject <> '''') GROUP BY v.level, v.subject, 6',
			plan_no, CASE WHEN indicator ? 'adjust' THEN 'adjusted' ELSE 'indicator' END, item_no,
			CASE WHEN indicator ? 'adjust' THEN appraisal.strata_sql(indicator -> 'adjust') ELSE '''{}''::text[]' END,
			appraisal.sum_sql(indicator ->> 'value', false, dimensions), appraisal.sum_sql(indicator ->> 'value', true, dimensions),
			levels, appraisal.match_sql('c', indicator -> 'where'))
		|| CASE WHEN appraisal.has_under(indicator ->> 'value') THEN ''
			ELSE format(' UNION ALL SELECT %s, ''tickets''::text, %s, v.level, v.subject, ''{}''::text[], count(DISTINCT c.ticket_id)::numeric, 0::numeric'
				' FROM taken c CROSS JOIN LATERAL (VALUES %s) AS v (level, subject)'
				' WHERE c.plan_no = %1$s AND %4$s AND v.subject <> '''' GROUP BY v.level, v.subject',
				plan_no, item_no, levels, appraisal.match_sql('c', indicator -> 'where')) END
$body$;
COMMENT ON FUNCTION appraisal.indicator_sql(integer, integer, jsonb, text, text[]) IS 'A query: the facts of one indicator, over the cells and, for its number of tickets (rule I4), over the rows.';

CREATE FUNCTION appraisal.plan_sql(plan_no integer, plan jsonb, dimensions text[]) RETURNS text
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	-- Those of agents are always needed: the case mix and the flags compare agents.
	levels text := '(''agent'', c.agent_id)'
		|| CASE WHEN plan -> 'levels' ? 'team' THEN ', (''team'', c.team_id)' ELSE '' END
		|| CASE WHEN plan -> 'levels' ? 'project' THEN ', (''project'', c.project_id)' ELSE '' END;
	parts text[] := ARRAY(
		SELECT appraisal.indicator_sql(plan_no, i.no::integer, i.indicator, levels, dimensions)
		FROM jsonb_array_elements(plan -> 'indicators') WITH ORDINALITY AS i (indicator, no)
		WHERE i.indicator ->> 'value' <> 'manual'
		UNION ALL
		SELECT format('SELECT %s, ''flag''::text, %s, ''agent'', c.agent_id, ''{}''::text[], sum(%s)::numeric, sum(%s)::numeric'
			' FROM cells c WHERE c.plan_no = %1$s AND c.agent_id <> '''' GROUP BY c.agent_id',
			plan_no, f.no, appraisal.sum_sql(f.flag ->> 'mark', false, dimensions), appraisal.sum_sql(f.flag ->> 'per', false, dimensions))
		FROM jsonb_array_elements(plan -> 'flags') WITH ORDINALITY AS f (flag, no)
		UNION ALL
		SELECT format('SELECT %s, %L::text, 0, v.level, v.subject, ARRAY[c.dimension], sum(c.%s)::numeric, sum(c.%s)::numeric'
			' FROM items c CROSS JOIN LATERAL (VALUES %s) AS v (level, subject)'
			' WHERE c.plan_no = %1$s AND v.subject <> '''' GROUP BY v.level, v.subject, c.dimension',
			plan_no, g.kind, g.above, g.under, levels)
		FROM (VALUES ('perception', 'perceived_sum', 'answered'), ('gap', 'gap_sum', 'paired')) AS g (kind, above, under)
	);
BEGIN
	RETURN array_to_string(parts || format('SELECT DISTINCT %s, ''card''::text, 0, v.level, v.subject, ''{}''::text[], 0::numeric, 0::numeric'
		' FROM cells c CROSS JOIN LATERAL (VALUES %s) AS v (level, subject) WHERE c.plan_no = %1$s AND v.subject <> ''''',
		plan_no, levels), ' UNION ALL ');
END
$body$;
COMMENT ON FUNCTION appraisal.plan_sql(integer, jsonb, text[]) IS 'A query: the facts of one plan, over the rows (taken), their cells and the survey items.';

CREATE FUNCTION appraisal.source_sql(revision jsonb, cycle text, first date, last date, by_ticket boolean) RETURNS text
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	dimensions text[] := appraisal.dimensions_of(revision);
	names text[] := appraisal.columns_of(revision, cycle, dimensions);
BEGIN
	RETURN format('WITH taken AS (SELECT * FROM (%s) t WHERE t.plan_no IS NOT NULL),'
		' items AS (SELECT r.plan_no, r.ticket_id, r.agent_id, r.project_id, r.team_id, r.channel, r.category, r.priority, %s AS dimension,'
		' i.answered, i.perceived_sum * 0.000001 AS perceived_sum, i.paired, i.gap_sum * 0.000001 AS gap_sum'
		' FROM (SELECT * FROM report.ledger_item WHERE day BETWEEN %L AND %L) i'
		' JOIN taken r USING (day, ticket_id, agent_id, project_id, team_id)),'
		' cells AS MATERIALIZED (%s) ',
		appraisal.rows_sql(revision, cycle, first, last,
			ARRAY(SELECT n.name FROM unnest(names) AS n (name) WHERE n.name !~ '^q\d+_')),
		appraisal.dimension_sql(revision -> 'servqual'), first, last,
		appraisal.cells_sql(names, dimensions, 'plan_no, agent_id, project_id, team_id, channel, category, priority'
			|| CASE WHEN by_ticket THEN ', ticket_id' ELSE '' END));
END
$body$;
COMMENT ON FUNCTION appraisal.source_sql(jsonb, text, date, date, boolean) IS 'The beginning of a query: the rows of all plans (taken), their survey items, and their sums (cells), of single tickets if by_ticket.';

CREATE FUNCTION appraisal.facts(revision jsonb, cycle text, first date, last date) RETURNS SETOF appraisal.fact
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	parts text;
BEGIN
	SELECT string_agg(appraisal.plan_sql(p.plan_no, p.plan, appraisal.dimensions_of(revision)), ' UNION ALL ')
	INTO parts
	FROM appraisal.plans_of(revision, cycle) AS p;
	IF parts IS NOT NULL THEN
		RETURN QUERY EXECUTE appraisal.source_sql(revision, cycle, first, last, false) || parts;
	END IF;
END
$body$;
COMMENT ON FUNCTION appraisal.facts(jsonb, text, date, date) IS 'The sums of all cards of a cycle, from the ledger of some days.';

REVOKE ALL ON ALL ROUTINES IN SCHEMA appraisal FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
	appraisal.apply_revisions(jsonb, text), appraisal.least_settle_us(), appraisal.replace_roster(jsonb, text)
	TO kpid_hr;
