-- Who sees what of appraisals (rules V of docs/appraisal.md): the record of readings, and what kpid_hr, kpid_lead and kpid_agent
-- read. 0030_people.sql adds coaching notes, pseudonyms and forgetting.
--
-- The functions that compute results stay as they are, without a caller: they get other names here. Functions with the old names
-- call them, keep what the caller may see, and record each agent whose results they return before they return them.

DO $roles$
DECLARE
	r record;
BEGIN
	RESET ROLE; -- kpid_owner may not create roles
	FOR r IN
		SELECT *
		FROM (
			VALUES
				('kpid_lead', 'May see the results of the agents that a person leads by the roster of kpid, write coaching notes and enter values.'),
				('kpid_bi', 'May read the schema bi of kpid: KPIs with pseudonyms in place of agents, and nothing about single tickets.')
		) AS role (name, meaning)
		WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = role.name)
	LOOP
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', r.name);
			EXECUTE format('COMMENT ON ROLE %I IS %L', r.name, r.meaning);
		EXCEPTION
			WHEN duplicate_object OR unique_violation THEN
				NULL; -- the migration of another database was faster
			WHEN insufficient_privilege THEN
				RAISE EXCEPTION 'the role % does not exist, and % may not create it; as a superuser: CREATE ROLE % NOLOGIN',
					r.name, current_user, r.name;
		END;
	END LOOP;
	SET LOCAL ROLE kpid_owner;
END
$roles$;
GRANT USAGE ON SCHEMA appraisal TO kpid_lead;

CREATE TABLE appraisal.access (
	access_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	read_at timestamptz NOT NULL,
	login text COLLATE "C" NOT NULL,
	role text COLLATE "C" NOT NULL,
	agent_id text COLLATE "C" NOT NULL,
	function text COLLATE "C" NOT NULL,
	key text COLLATE "C",
	why text NOT NULL CHECK (length(why) <= 2000)
);
CREATE INDEX access_agent_id ON appraisal.access (agent_id, read_at);
COMMENT ON TABLE appraisal.access IS 'Who has read the results of each agent (rule V3): one row per reading and agent. Rows never change.';
COMMENT ON COLUMN appraisal.access.login IS 'The login that read, as in appraisal.acting_login() and, for the own results, me.login().';
COMMENT ON COLUMN appraisal.access.role IS 'The right by which it read: kpid_hr, kpid_lead, or kpid_agent for the own results.';
COMMENT ON COLUMN appraisal.access.function IS 'The function or view that was read.';
COMMENT ON COLUMN appraisal.access.key IS 'The period; NULL: none in particular.';
COMMENT ON COLUMN appraisal.access.why IS 'The reason, if the reader gave one.';
CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON appraisal.access FOR EACH ROW EXECUTE FUNCTION appraisal.refuse_change();
CREATE TRIGGER is_never_emptied BEFORE TRUNCATE ON appraisal.access FOR EACH STATEMENT EXECUTE FUNCTION appraisal.refuse_change();

-- ---- who calls ----

CREATE FUNCTION appraisal.acting_login() RETURNS text
LANGUAGE sql STABLE
AS $body$
	-- A group is no person: what is done after SET ROLE kpid_hr is recorded for the login of the session.
	SELECT coalesce((SELECT r.rolname::text FROM pg_roles r WHERE r.rolname = current_setting('role') AND r.rolcanlogin), session_user::text)
$body$;
COMMENT ON FUNCTION appraisal.acting_login() IS 'The login that calls: the role that was SET if it can log in, otherwise that of the session.';

CREATE OR REPLACE FUNCTION appraisal.hr_login() RETURNS text
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	login text := appraisal.acting_login();
BEGIN
	IF NOT pg_has_role(login::name, 'kpid_hr', 'MEMBER') THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('%s is no member of kpid_hr', login);
	END IF;
	RETURN login;
END
$body$;
COMMENT ON FUNCTION appraisal.hr_login() IS 'appraisal.acting_login(), which must be a member of kpid_hr.';

CREATE FUNCTION appraisal.today() RETURNS date
LANGUAGE sql STABLE
AS $body$
	SELECT kpid.day_of(statement_timestamp(), coalesce((SELECT s.value FROM kpid.setting s WHERE s.name = 'report.time_zone'), 'UTC'))
$body$;
COMMENT ON FUNCTION appraisal.today() IS 'The date in report.time_zone.';

CREATE FUNCTION appraisal.led_teams(login text) RETURNS text[]
LANGUAGE sql STABLE
AS $body$
	SELECT ARRAY(
		SELECT DISTINCT r.leads
		FROM appraisal.roster r
		CROSS JOIN appraisal.today() AS d (today)
		WHERE r.login = $1 AND r.login <> '' AND r.leads <> ''
			AND d.today BETWEEN coalesce(r.since, '-infinity') AND coalesce(r.until, 'infinity'))
$body$;
COMMENT ON FUNCTION appraisal.led_teams(text) IS 'The teams that the roster says a login leads today.';

CREATE FUNCTION appraisal.led_agents(login text) RETURNS text[]
LANGUAGE sql STABLE
AS $body$
	SELECT ARRAY(
		SELECT DISTINCT r.agent_id
		FROM appraisal.roster r
		CROSS JOIN appraisal.today() AS d (today)
		WHERE r.team_id = ANY (appraisal.led_teams($1)) AND NOT appraisal.is_caller(r.agent_id)
			AND d.today BETWEEN coalesce(r.since, '-infinity') AND coalesce(r.until, 'infinity'))
$body$;
COMMENT ON FUNCTION appraisal.led_agents(text) IS 'The agents that the roster says a login leads today: those of the teams that it leads. Nobody leads himself.';

CREATE TYPE appraisal.reader AS (
	login text,
	role text,
	agents text[],
	teams text[]
);
COMMENT ON TYPE appraisal.reader IS 'Who reads, by which right, and which agents and teams; NULL: all.';

CREATE FUNCTION appraisal.reader() RETURNS appraisal.reader
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	login text := appraisal.acting_login();
BEGIN
	IF pg_has_role(login::name, 'kpid_hr', 'MEMBER') THEN
		RETURN (login, 'kpid_hr', NULL, NULL)::appraisal.reader;
	ELSIF pg_has_role(login::name, 'kpid_lead', 'MEMBER') THEN
		RETURN (login, 'kpid_lead', appraisal.led_agents(login), appraisal.led_teams(login))::appraisal.reader;
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('%s is no member of kpid_hr or kpid_lead', login);
END
$body$;
COMMENT ON FUNCTION appraisal.reader() IS 'What the caller may read as kpid_hr or kpid_lead.';

CREATE FUNCTION appraisal.may_see(reader appraisal.reader, level text, subject text) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT (reader).role <> 'kpid_lead'
		OR coalesce(CASE level WHEN 'agent' THEN subject = ANY ((reader).agents) WHEN 'team' THEN subject = ANY ((reader).teams) END, false)
$body$;
COMMENT ON FUNCTION appraisal.may_see(appraisal.reader, text, text) IS 'Whether a card is one that the reader may see.';

CREATE FUNCTION appraisal.refuse_unseen(reader appraisal.reader, level text, subject text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	IF NOT appraisal.may_see(reader, level, subject) THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('%s does not lead %s %s', (reader).login, level, subject);
	END IF;
END
$body$;
COMMENT ON FUNCTION appraisal.refuse_unseen(appraisal.reader, text, text) IS 'Refuses a card that the reader may not see.';

CREATE FUNCTION appraisal.refuse_plan_file(reader appraisal.reader, plan_file jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	-- A plan decides which rows are added up, and could single out an agent that the reader does not lead.
	IF plan_file IS NOT NULL AND (reader).role = 'kpid_lead' THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'only kpid_hr may try a plan file';
	END IF;
END
$body$;
COMMENT ON FUNCTION appraisal.refuse_plan_file(appraisal.reader, jsonb) IS 'Refuses a plan file of a lead.';

CREATE FUNCTION appraisal.record_access(reader appraisal.reader, function text, key text, agents text[], why text) RETURNS void
LANGUAGE plpgsql
AS $body$
BEGIN
	IF length(why) > 2000 THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'give a reason in at most 2,000 characters';
	END IF;
	INSERT INTO appraisal.access (read_at, login, role, agent_id, function, key, why)
	SELECT clock_timestamp(), (reader).login, (reader).role, a.agent_id, $2, $3, coalesce($5, '')
	FROM (SELECT DISTINCT u.agent_id FROM unnest(agents) AS u (agent_id)) a
	ORDER BY a.agent_id;
	IF FOUND AND (reader).role <> 'kpid_agent' THEN
		-- A transaction that is rolled back leaves no row, but this line of the server's log.
		RAISE LOG 'kpid: results of persons are read: %', jsonb_build_object('login', (reader).login, 'role', (reader).role, 'function', $2, 'key', $3,
			'agents', cardinality(agents), 'first', agents[1], 'why', coalesce($5, ''));
	END IF;
END
$body$;
COMMENT ON FUNCTION appraisal.record_access(appraisal.reader, text, text, text[], text) IS 'Records a reading of the results of agents (rule V3).';

-- ---- what a reader gets ----

CREATE FUNCTION appraisal.shown_to(reader appraisal.reader, document jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT CASE WHEN (reader).role <> 'kpid_lead' THEN document
		ELSE document || jsonb_build_object('plans', (
			SELECT coalesce(jsonb_agg(p.of || jsonb_build_object(
				'rules', (p.of -> 'rules') || jsonb_build_object('grades', (
					SELECT coalesce(jsonb_agg(g.of - 'coefficient' ORDER BY g.no), '[]')
					FROM jsonb_array_elements(p.of -> 'rules' -> 'grades') WITH ORDINALITY AS g (of, no))),
				'cards', (
					SELECT coalesce(jsonb_agg(c.of - 'coefficient' ORDER BY c.no), '[]')
					FROM jsonb_array_elements(p.of -> 'cards') WITH ORDINALITY AS c (of, no)
					WHERE appraisal.may_see(reader, c.of ->> 'level', c.of ->> 'subject'))) ORDER BY p.no), '[]')
			FROM jsonb_array_elements(document -> 'plans') WITH ORDINALITY AS p (of, no)
		), 'adjustments', (
			SELECT coalesce(jsonb_agg(a.of ORDER BY a.no), '[]')
			FROM jsonb_array_elements(coalesce(document -> 'adjustments', '[]')) WITH ORDINALITY AS a (of, no)
			WHERE appraisal.may_see(reader, a.of ->> 'level', a.of ->> 'subject')))
	END
$body$;
COMMENT ON FUNCTION appraisal.shown_to(appraisal.reader, jsonb) IS 'The cards of a document that a reader may see; for a lead without coefficients.';

CREATE FUNCTION appraisal.agents_in(document jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT ARRAY(
		SELECT DISTINCT c.of ->> 'subject'
		FROM jsonb_array_elements(document -> 'plans') AS p (of)
		CROSS JOIN LATERAL jsonb_array_elements(p.of -> 'cards') AS c (of)
		WHERE c.of ->> 'level' = 'agent')
$body$;
COMMENT ON FUNCTION appraisal.agents_in(jsonb) IS 'The agents whose cards are in a document.';

ALTER FUNCTION appraisal.preview(text, jsonb) RENAME TO preview_of;
ALTER FUNCTION appraisal.preview_of(text, jsonb) SECURITY INVOKER;
ALTER FUNCTION appraisal.closed(text) RENAME TO closed_of;
ALTER FUNCTION appraisal.closed_of(text) SECURITY INVOKER;
ALTER FUNCTION appraisal.drift(text) RENAME TO drift_of;
ALTER FUNCTION appraisal.drift_of(text) SECURITY INVOKER;
ALTER FUNCTION appraisal.verify(text) RENAME TO verify_of;
ALTER FUNCTION appraisal.verify_of(text) SECURITY INVOKER;
ALTER FUNCTION appraisal.appeals(text) RENAME TO appeals_of;
ALTER FUNCTION appraisal.appeals_of(text) SECURITY INVOKER;

COMMENT ON FUNCTION appraisal.preview_of(text, jsonb) IS 'All cards of a period, from the ledger as it is now, by the stored plans or by a plan file that is tried, for any caller.';
COMMENT ON FUNCTION appraisal.closed_of(text) IS 'As appraisal.closed(), for any caller.';
COMMENT ON FUNCTION appraisal.drift_of(text) IS 'As appraisal.drift(), for any caller.';
COMMENT ON FUNCTION appraisal.verify_of(text) IS 'As appraisal.verify(), for any caller.';
COMMENT ON FUNCTION appraisal.appeals_of(text) IS 'As appraisal.appeals(), for any caller.';

-- Not renamed, because its body names the function.
DROP FUNCTION appraisal.tickets(text, text, text, text, text, jsonb);
CREATE FUNCTION appraisal.tickets_of(key text, plan text, level text, subject text, item text, plan_file jsonb)
RETURNS TABLE (ticket_id text, above numeric, under numeric)
LANGUAGE plpgsql STABLE
SET jit = off
AS $body$
DECLARE
	period appraisal.period := appraisal.period_of(key);
	revision jsonb := (SELECT r.document FROM appraisal.revision_for(period, plan_file) AS r);
	dimensions text[] := appraisal.dimensions_of(revision);
	choice text;
BEGIN
	SELECT format('SELECT c.ticket_id, sum(%s)::numeric, sum(%s)::numeric FROM cells c WHERE c.plan_no = %s AND c.%I = %L AND %s GROUP BY c.ticket_id',
		appraisal.sum_sql(coalesce(i.item ->> 'value', i.item ->> 'mark'), false, dimensions),
		CASE WHEN i.item ? 'mark' THEN appraisal.sum_sql(i.item ->> 'per', false, dimensions) ELSE appraisal.sum_sql(i.item ->> 'value', true, dimensions) END,
		p.plan_no, CASE WHEN tickets_of.level IN ('agent', 'team', 'project') THEN tickets_of.level || '_id' END, subject, appraisal.match_sql('c', i.item -> 'where'))
	INTO choice
	FROM appraisal.plans_of(revision, period.cycle) AS p
	CROSS JOIN LATERAL jsonb_array_elements((p.plan -> 'indicators') || coalesce(p.plan -> 'flags', '[]')) AS i (item)
	WHERE p.plan ->> 'name' = tickets_of.plan AND i.item ->> 'name' = tickets_of.item AND i.item ->> 'value' IS DISTINCT FROM 'manual';
	IF choice IS NOT NULL THEN
		RETURN QUERY EXECUTE appraisal.source_sql(revision, period.cycle, period.first, period.last, true) || choice;
	END IF;
END
$body$;
COMMENT ON FUNCTION appraisal.tickets_of(text, text, text, text, text, jsonb) IS 'As appraisal.tickets(), for any caller.';

CREATE FUNCTION appraisal.preview(key text, plan_file jsonb DEFAULT NULL, why text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	reader appraisal.reader := appraisal.reader();
	document jsonb;
BEGIN
	PERFORM appraisal.refuse_plan_file(reader, plan_file);
	document := appraisal.shown_to(reader, appraisal.preview_of(key, plan_file));
	PERFORM appraisal.record_access(reader, 'appraisal.preview', key, appraisal.agents_in(document), why);
	RETURN document;
END
$body$;
COMMENT ON FUNCTION appraisal.preview(text, jsonb, text) IS 'All cards of a period that the caller may see, from the ledger as it is now, by the stored plans or by a plan file that is tried. Stores only the access record.';

CREATE FUNCTION appraisal.explain(key text, agent text, plan_file jsonb DEFAULT NULL, why text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	reader appraisal.reader := appraisal.reader();
	document jsonb;
BEGIN
	PERFORM appraisal.refuse_plan_file(reader, plan_file);
	PERFORM appraisal.refuse_unseen(reader, 'agent', agent);
	document := appraisal.shown_to(reader, appraisal.preview_of(key, plan_file));
	PERFORM appraisal.record_access(reader, 'appraisal.explain', key, ARRAY[agent], why);
	RETURN jsonb_build_object('period', document - ARRAY['plans', 'adjustments'], 'cards', (
		SELECT coalesce(jsonb_agg(jsonb_build_object('plan', plan.of -> 'rules', 'card', card.of)), '[]')
		FROM jsonb_array_elements(document -> 'plans') AS plan (of)
		CROSS JOIN LATERAL jsonb_array_elements(plan.of -> 'cards') AS card (of)
		WHERE card.of ->> 'level' = 'agent' AND card.of ->> 'subject' = agent));
END
$body$;
COMMENT ON FUNCTION appraisal.explain(text, text, jsonb, text) IS 'The cards of one agent in a period, each with its plan, as appraisal.preview() has them.';

CREATE FUNCTION appraisal.tickets(key text, plan text, level text, subject text, item text, plan_file jsonb DEFAULT NULL, why text DEFAULT NULL)
RETURNS TABLE (ticket_id text, above numeric, under numeric)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	reader appraisal.reader := appraisal.reader();
BEGIN
	PERFORM appraisal.refuse_plan_file(reader, plan_file);
	PERFORM appraisal.refuse_unseen(reader, level, subject);
	PERFORM appraisal.record_access(reader, 'appraisal.tickets', key, CASE level WHEN 'agent' THEN ARRAY[subject] ELSE '{}' END, why);
	RETURN QUERY SELECT t.* FROM appraisal.tickets_of(key, plan, level, subject, item, plan_file) AS t;
END
$body$;
COMMENT ON FUNCTION appraisal.tickets(text, text, text, text, text, jsonb, text) IS 'The tickets behind an indicator or a flag of a card: what each adds above and under the /. A flag''s evidence (rule G2) is those with above > 0.';

CREATE FUNCTION appraisal.closed(key text, why text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	reader appraisal.reader := appraisal.reader();
	document jsonb := appraisal.shown_to(reader, appraisal.closed_of(key));
BEGIN
	PERFORM appraisal.record_access(reader, 'appraisal.closed', key, appraisal.agents_in(document), why);
	RETURN document;
END
$body$;
COMMENT ON FUNCTION appraisal.closed(text, text) IS 'The cards of a closed period that the caller may see, in their latest versions, with adjustments.';

CREATE FUNCTION appraisal.drift(key text, why text DEFAULT NULL)
RETURNS TABLE (
	plan text, level text, subject text, indicator text, tickets text[],
	closed_above numeric, closed_base numeric, closed_n numeric, above numeric, base numeric, n numeric,
	closed_value numeric, value numeric, closed_adjusted numeric, adjusted numeric, closed_points numeric, points numeric,
	closed_score numeric, score numeric)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	reader appraisal.reader := appraisal.reader();
	agents text[] := '{}';
BEGIN
	FOR plan, level, subject, indicator, tickets, closed_above, closed_base, closed_n, above, base, n, closed_value, value, closed_adjusted,
		adjusted, closed_points, points, closed_score, score
	IN
		SELECT d.*
		FROM appraisal.drift_of(key) AS d
		-- The ledger still has the id of a forgotten agent: all of his rows would differ, and show who he was.
		WHERE appraisal.may_see(reader, d.level, d.subject) AND NOT (d.level = 'agent' AND (
			appraisal.is_erased(d.subject)
			OR (EXISTS (SELECT FROM appraisal.closing c JOIN appraisal.digest_renewal r ON r.closing_no = c.closing_no WHERE c.key = drift.key)
				AND NOT EXISTS (
					SELECT
					FROM appraisal.closing c
					JOIN appraisal.closed_card k ON k.closing_no = c.closing_no
					WHERE c.key = drift.key AND k.level = 'agent' AND k.subject = d.subject))))
	LOOP
		agents := agents || CASE level WHEN 'agent' THEN ARRAY[subject] END;
		RETURN NEXT;
	END LOOP;
	PERFORM appraisal.record_access(reader, 'appraisal.drift', key, agents, why);
END
$body$;
COMMENT ON FUNCTION appraisal.drift(text, text) IS 'What later facts would change in a closed period, where the sums or the stratum of a ticket differ (rule Z4): the frozen sums and those of now, these tickets, and points and score by the frozen reference, before excludes and points by hand. The cards do not change.';

CREATE FUNCTION appraisal.verify(key text, why text DEFAULT NULL)
RETURNS TABLE (
	version integer, plan text, level text, subject text, card_version integer, indicator text, field text, stored text, computed text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	reader appraisal.reader := appraisal.reader();
	agents text[] := '{}';
BEGIN
	FOR version, plan, level, subject, card_version, indicator, field, stored, computed IN
		SELECT v.version, v.plan, v.level, v.subject, v.card_version, v.indicator, v.field, v.stored, v.computed
		FROM appraisal.verify_of(key) AS v
	LOOP
		agents := agents || CASE level WHEN 'agent' THEN ARRAY[subject] END;
		RETURN NEXT;
	END LOOP;
	PERFORM appraisal.record_access(reader, 'appraisal.verify', key, agents, why);
END
$body$;
COMMENT ON FUNCTION appraisal.verify(text, text) IS 'Computes everything of a closed period again from its frozen rows and the stored plan, and returns what differs; no row: nothing does.';

CREATE FUNCTION appraisal.appeals(key text, why text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	reader appraisal.reader := appraisal.reader();
	appeals jsonb := (
		SELECT coalesce(jsonb_agg(a.of ORDER BY a.no), '[]')
		FROM jsonb_array_elements(appraisal.appeals_of($1)) WITH ORDINALITY AS a (of, no)
		WHERE appraisal.may_see(reader, 'agent', a.of ->> 'agent')
	);
BEGIN
	PERFORM appraisal.record_access(reader, 'appraisal.appeals', $1, ARRAY(SELECT a.of ->> 'agent' FROM jsonb_array_elements(appeals) AS a (of)), why);
	RETURN appeals;
END
$body$;
COMMENT ON FUNCTION appraisal.appeals(text, text) IS 'The appeals against cards of a closed period that the caller may see.';

CREATE VIEW appraisal.access_log AS
SELECT a.read_at, a.login, a.role, a.agent_id, a.function, a.key, a.why
FROM appraisal.access a;
COMMENT ON VIEW appraisal.access_log IS 'Who has read the results of each agent, when, and why (rule V3). For kpid_hr.';

-- ---- leads enter values ----

CREATE FUNCTION appraisal.entering_login(level text, subject text) RETURNS text
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	reader appraisal.reader := appraisal.reader();
BEGIN
	-- A lead would enter a value of his own with that of his team.
	IF reader.role = 'kpid_lead' AND level <> 'agent' THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'only kpid_hr enters values of a team or a project';
	ELSIF reader.role = 'kpid_lead' AND appraisal.is_caller(subject) THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'nobody enters values for himself';
	END IF;
	PERFORM appraisal.refuse_unseen(reader, level, subject);
	RETURN reader.login;
END
$body$;
COMMENT ON FUNCTION appraisal.entering_login(text, text) IS 'The login that may enter a value of a card: kpid_hr, or the lead of the agent.';

CREATE OR REPLACE FUNCTION appraisal.enter(
	key text, plan text, level text, subject text, indicator text, above numeric, base numeric, who text, why text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	login text := appraisal.entering_login(level, subject);
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

-- ---- the own results ----

CREATE FUNCTION me.login() RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT coalesce(nullif(current_setting('role'), 'none'), session_user::text)
$body$;
COMMENT ON FUNCTION me.login() IS 'The caller: the role that was SET, otherwise the login of the session (rule V2).';

CREATE OR REPLACE FUNCTION me.agents() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
	SELECT ARRAY(SELECT DISTINCT r.agent_id FROM appraisal.roster r WHERE r.login <> '' AND r.login = me.login())
$body$;

CREATE FUNCTION me.read(of text) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	agents text[] := me.agents();
BEGIN
	IF of IS NULL OR of NOT IN ('me.card', 'me.indicator', 'me.row', 'me.ledger', 'me.flag') THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'only the views of the schema me call this function';
	END IF;
	PERFORM appraisal.record_access((me.login(), 'kpid_agent', agents, NULL)::appraisal.reader, of, NULL, agents, NULL);
	RETURN QUERY SELECT a.agent_id FROM unnest(agents) AS a (agent_id);
END
$body$;
COMMENT ON FUNCTION me.read(text) IS 'The agents that the caller is, after recording that they read a view of this schema. The views call it.';

CREATE VIEW me.card WITH (security_barrier) AS
SELECT
	c.key, c.plan, c.subject AS agent_id, c.period_version, c.version, c.closed_at, c.status, c.weight, c.from_events, c.by_hand, c.base_score,
	c.score, c.low, c.high, c.grade, c.coefficient, c.rank, c.best, c.worst, c.ranked, c.dimensions, c.gaps
FROM me.read('me.card') AS a (agent_id)
JOIN appraisal.latest_card c ON c.level = 'agent' AND c.subject = a.agent_id;
COMMENT ON VIEW me.card IS 'The own cards of closed periods, in their latest versions.';

CREATE VIEW me.indicator WITH (security_barrier) AS
SELECT
	c.key, c.plan, c.subject AS agent_id, i.item_no, i.name, i.above, i.base, i.n, i.value, i.expected, i.adjusted, i.status, i.points, i.weight,
	i.low, i.high
FROM me.read('me.indicator') AS a (agent_id)
JOIN appraisal.latest_card c ON c.level = 'agent' AND c.subject = a.agent_id
JOIN appraisal.closed_indicator i ON i.closing_no = c.closing_no AND i.plan_no = c.plan_no AND i.level = c.level AND i.subject = c.subject
	AND i.version = c.version;
COMMENT ON VIEW me.indicator IS 'The indicators of the own cards of closed periods, line by line.';

CREATE VIEW me.flag WITH (security_barrier) AS
SELECT c.key, c.plan, c.subject AS agent_id, f.of ->> 'name' AS name, (f.of ->> 'mark')::numeric AS mark, (f.of ->> 'per')::numeric AS per,
	(f.of ->> 'others_mark')::numeric AS others_mark, (f.of ->> 'others_per')::numeric AS others_per, (f.of -> 'raised')::boolean AS raised
FROM me.read('me.flag') AS a (agent_id)
JOIN appraisal.latest_card c ON c.level = 'agent' AND c.subject = a.agent_id
CROSS JOIN LATERAL jsonb_array_elements(c.flags) AS f (of);
COMMENT ON VIEW me.flag IS 'The own flags of closed periods. They are advice and change no points.';

CREATE VIEW me.row WITH (security_barrier) AS
SELECT
	p.key, p.version AS period_version, r.plan_no, r.ticket_id, r.agent_id, r.project_id, r.team_id, r.channel, r.category, r.priority,
	{{measures 28: r.{public}}},
	{{ledger 13: r.{public}}}
FROM me.read('me.row') AS a (agent_id)
JOIN appraisal.closed_ledger r ON r.agent_id = a.agent_id
JOIN appraisal.closing p ON p.closing_no = r.closing_no
WHERE NOT EXISTS (SELECT FROM appraisal.closing l WHERE l.key = p.key AND l.version > p.version);
COMMENT ON VIEW me.row IS 'The frozen rows behind the own cards of closed periods.';

CREATE VIEW me.ledger WITH (security_barrier) AS
SELECT l.*
FROM me.read('me.ledger') AS a (agent_id)
JOIN report.ledger l ON l.agent_id = a.agent_id;
COMMENT ON VIEW me.ledger IS 'The own rows of report.ledger, as they are now. Filter by day.';

CREATE VIEW me.access WITH (security_barrier) AS
SELECT l.read_at, l.login, l.role, l.agent_id, l.function, l.key, l.why
FROM appraisal.access l
WHERE l.agent_id = ANY (me.agents());
COMMENT ON VIEW me.access IS 'Who has read the own results, when, by which function, and why.';

CREATE OR REPLACE FUNCTION me.appeals() RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	agents text[] := me.agents();
BEGIN
	PERFORM appraisal.record_access((me.login(), 'kpid_agent', agents, NULL)::appraisal.reader, 'me.appeals', NULL, agents, NULL);
	RETURN (
		SELECT coalesce(jsonb_agg(appraisal.appeal_document(a) ORDER BY a.appeal_no), '[]')
		FROM appraisal.appeal_state a
		WHERE a.agent_id = ANY (agents));
END
$body$;

CREATE FUNCTION appraisal.is_erased(agent text) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT agent ~ '^erased-[0-9]+$'
$body$;
COMMENT ON FUNCTION appraisal.is_erased(text) IS 'Whether this is the name of a forgotten agent (rule V5).';

REVOKE ALL ON ALL ROUTINES IN SCHEMA appraisal, me FROM PUBLIC;
GRANT SELECT ON appraisal.access_log TO kpid_hr;
GRANT EXECUTE ON FUNCTION
	appraisal.preview(text, jsonb, text), appraisal.explain(text, text, jsonb, text),
	appraisal.tickets(text, text, text, text, text, jsonb, text), appraisal.closed(text, text), appraisal.drift(text, text),
	appraisal.appeals(text, text)
	TO kpid_hr, kpid_lead;
GRANT EXECUTE ON FUNCTION appraisal.verify(text, text) TO kpid_hr;
GRANT EXECUTE ON FUNCTION appraisal.enter(text, text, text, text, text, numeric, numeric, text, text) TO kpid_lead;
REVOKE EXECUTE ON FUNCTION
	appraisal.preview_of(text, jsonb), appraisal.closed_of(text), appraisal.drift_of(text), appraisal.verify_of(text), appraisal.appeals_of(text)
	FROM kpid_hr;
GRANT EXECUTE ON FUNCTION me.login(), me.agents(), me.read(text) TO kpid_agent;
GRANT SELECT ON me.card, me.indicator, me.flag, me.row, me.ledger, me.access TO kpid_agent;
