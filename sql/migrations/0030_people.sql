-- Coaching notes (rule W2), what the page of an agent shows (rule W3), pseudonyms for BI (rule V4), and forgetting an agent
-- (rule V5 of docs/appraisal.md).

DO $schema$
BEGIN
	RESET ROLE; -- kpid_owner may not create schemas
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = 'bi') THEN
		BEGIN
			CREATE SCHEMA bi AUTHORIZATION kpid_owner;
		EXCEPTION WHEN insufficient_privilege THEN
			RAISE EXCEPTION 'the schema bi does not exist, and % may not create it; as a superuser: CREATE SCHEMA bi AUTHORIZATION kpid_owner',
				current_user;
		END;
	END IF;
	SET LOCAL ROLE kpid_owner;
END
$schema$;
COMMENT ON SCHEMA bi IS 'KPIs and the ledger with pseudonyms in place of agents and without tickets, for BI that must not see single persons.';
REVOKE ALL ON SCHEMA bi FROM PUBLIC;
GRANT USAGE ON SCHEMA bi TO kpid_bi;

-- ---- coaching notes (rule W2) ----

CREATE TABLE appraisal.note (
	note_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	agent_id text COLLATE "C" NOT NULL CHECK (agent_id <> ''),
	revision_no integer NOT NULL REFERENCES appraisal.plan_revision,
	plan_no integer NOT NULL,
	indicator text COLLATE "C" NOT NULL,
	tickets text[] COLLATE "C" NOT NULL,
	agreed text NOT NULL CHECK (length(agreed) BETWEEN 1 AND 2000),
	target numeric,
	follow_up date NOT NULL,
	written_on date NOT NULL,
	written_at timestamptz NOT NULL,
	written_by text NOT NULL CHECK (length(written_by) BETWEEN 1 AND 200),
	login text COLLATE "C" NOT NULL
);
CREATE INDEX note_agent_id ON appraisal.note (agent_id);
COMMENT ON TABLE appraisal.note IS 'Coaching notes of leads about an indicator of an agent (rule W2). Rows never change.';
COMMENT ON COLUMN appraisal.note.plan_no IS 'The plan of the indicator: its number in the revision that was in force.';
COMMENT ON COLUMN appraisal.note.written_on IS 'The date in report.time_zone. The 28 days before and after it are compared.';

CREATE TABLE appraisal.note_step (
	note_no bigint NOT NULL REFERENCES appraisal.note,
	state text NOT NULL CHECK (state IN ('acknowledged', 'done', 'dropped')),
	is_end boolean NOT NULL CHECK (is_end = (state <> 'acknowledged')),
	at timestamptz NOT NULL,
	login text COLLATE "C" NOT NULL,
	outcome text NOT NULL CHECK (length(outcome) <= 2000 AND (state = 'acknowledged' OR outcome <> '')),
	PRIMARY KEY (note_no, is_end)
);
COMMENT ON TABLE appraisal.note_step IS 'What happened to coaching notes: acknowledged by the agent, then done or dropped by the author. A note without a row is open.';

DO $triggers$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['note', 'note_step'] LOOP
		EXECUTE format('CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON appraisal.%I FOR EACH ROW EXECUTE FUNCTION appraisal.refuse_change()', name);
		EXECUTE format('CREATE TRIGGER is_never_emptied BEFORE TRUNCATE ON appraisal.%I FOR EACH STATEMENT EXECUTE FUNCTION appraisal.refuse_change()', name);
	END LOOP;
END
$triggers$;

CREATE VIEW appraisal.note_state AS
SELECT
	n.note_no, n.agent_id, n.revision_no, n.plan_no, n.indicator, n.tickets, n.agreed, n.target, n.follow_up, n.written_on, n.written_at,
	n.written_by, n.login, coalesce(e.state, a.state, 'open') AS state, a.at AS acknowledged_at, e.at AS ended_at, e.outcome
FROM appraisal.note n
LEFT JOIN appraisal.note_step a ON a.note_no = n.note_no AND NOT a.is_end
LEFT JOIN appraisal.note_step e ON e.note_no = n.note_no AND e.is_end;
COMMENT ON VIEW appraisal.note_state IS 'Coaching notes with their state: open, acknowledged, done or dropped.';

CREATE FUNCTION appraisal.peers_of(agent text, day date) RETURNS text[]
LANGUAGE sql STABLE
AS $body$
	WITH present AS (
		SELECT r.agent_id, r.team_id
		FROM appraisal.roster r
		WHERE r.team_id <> '' AND day BETWEEN coalesce(r.since, '-infinity') AND coalesce(r.until, 'infinity')
	)
	SELECT array_agg(DISTINCT p.agent_id)
	FROM present p
	WHERE p.team_id IN (SELECT m.team_id FROM present m WHERE m.agent_id = agent) AND p.agent_id <> agent
$body$;
COMMENT ON FUNCTION appraisal.peers_of(text, date) IS 'The others that the roster has in the team of an agent on a day; NULL: nobody.';

CREATE FUNCTION appraisal.span_values(revision jsonb, plan_no integer, indicator jsonb, agent text, peers text[], first date, last date)
RETURNS TABLE (value numeric, group_value numeric)
LANGUAGE plpgsql STABLE
SET jit = off
AS $body$
DECLARE
	cycle text := CASE WHEN revision -> 'plans' -> (plan_no - 1) -> 'cycles' ? 'month' THEN 'month'
		ELSE revision -> 'plans' -> (plan_no - 1) -> 'cycles' ->> 0 END;
	dimensions text[] := appraisal.dimensions_of(revision);
	sums record;
BEGIN
	IF indicator ->> 'value' = 'manual' THEN
		RETURN QUERY SELECT NULL::numeric, NULL::numeric;
		RETURN;
	END IF;
	EXECUTE appraisal.source_sql(revision, cycle, first, last, false) || format(
			'SELECT sum(x.above) FILTER (WHERE x.is_own) AS above, sum(x.under) FILTER (WHERE x.is_own) AS under,'
			' sum(x.above) FILTER (WHERE NOT x.is_own) AS group_above, sum(x.under) FILTER (WHERE NOT x.is_own) AS group_under'
			' FROM (SELECT c.agent_id = %L AS is_own, (%s)::numeric AS above, (%s)::numeric AS under FROM cells c'
			' WHERE c.plan_no = %s AND %s AND (c.agent_id = %1$L OR %6$s)) x',
			agent, appraisal.sum_sql(indicator ->> 'value', false, dimensions), appraisal.sum_sql(indicator ->> 'value', true, dimensions),
			plan_no, appraisal.match_sql('c', indicator -> 'where'),
			CASE WHEN peers IS NULL THEN 'c.agent_id <> ''''' ELSE format('c.agent_id = ANY (%L::text[])', peers) END)
		INTO sums;
	RETURN QUERY SELECT
		appraisal.rounded(CASE WHEN u.is_quotient THEN appraisal.quotient(sums.above, sums.under) ELSE sums.above END, 6),
		appraisal.rounded(CASE WHEN u.is_quotient THEN appraisal.quotient(sums.group_above, sums.group_under) ELSE sums.group_above END, 6)
	FROM (SELECT appraisal.has_under(indicator ->> 'value') AS is_quotient) u;
END
$body$;
COMMENT ON FUNCTION appraisal.span_values(jsonb, integer, jsonb, text, text[], date, date) IS 'The value of an indicator (rule R1, without case mix) over some days: of an agent, and of others; peers NULL: of all others in the plan.';

CREATE FUNCTION appraisal.note_document(n appraisal.note_state) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	revision jsonb := (SELECT r.json::jsonb FROM appraisal.plan_revision r WHERE r.revision_no = (n).revision_no);
	plan jsonb := revision -> 'plans' -> ((n).plan_no - 1);
	indicator jsonb := (SELECT i.of FROM jsonb_array_elements(plan -> 'indicators') AS i (of) WHERE i.of ->> 'name' = (n).indicator);
	peers text[] := appraisal.peers_of((n).agent_id, (n).written_on);
	was record;
	is_now record;
BEGIN
	SELECT v.* INTO was
	FROM appraisal.span_values(revision, (n).plan_no, indicator, (n).agent_id, peers, (n).written_on - 28, (n).written_on - 1) AS v;
	SELECT v.* INTO is_now
	FROM appraisal.span_values(revision, (n).plan_no, indicator, (n).agent_id, peers, (n).written_on + 1, (n).written_on + 28) AS v;
	RETURN jsonb_build_object(
		'note', (n).note_no, 'agent', (n).agent_id, 'plan', plan ->> 'name', 'indicator', (n).indicator, 'tickets', to_jsonb((n).tickets),
		'agreed', (n).agreed, 'target', (n).target, 'follow_up', (n).follow_up, 'written_at', (n).written_at AT TIME ZONE 'UTC',
		'written_by', (n).written_by, 'login', (n).login, 'state', (n).state, 'acknowledged_at', (n).acknowledged_at AT TIME ZONE 'UTC',
		'ended_at', (n).ended_at AT TIME ZONE 'UTC', 'outcome', (n).outcome, 'written_on', (n).written_on,
		'before', was.value, 'after', is_now.value, 'change', is_now.value - was.value,
		'group', CASE WHEN peers IS NULL THEN 'plan' ELSE 'team' END,
		'group_before', was.group_value, 'group_after', is_now.group_value, 'group_change', is_now.group_value - was.group_value,
		'after_is_complete', appraisal.today() > (n).written_on + 28);
END
$body$;
COMMENT ON FUNCTION appraisal.note_document(appraisal.note_state) IS 'A coaching note as a document, with its indicator over the 28 days before and after, and the change of the group beside it.';

CREATE FUNCTION appraisal.note(agent text, plan text, indicator text, tickets text[], agreed text, target text, follow_up date, who text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	login text := (appraisal.reader()).login;
	wrong text;
	refusal text;
	plans text[];
	found record;
	no bigint;
BEGIN
	IF appraisal.is_caller(agent) OR NOT coalesce(agent = ANY (appraisal.led_agents(login)), false) THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('%s does not lead agent %s', login, agent);
	END IF;
	PERFORM appraisal.check_record(who, agreed);
	SELECT r.revision_no, array_agg(p.of ->> 'name' ORDER BY p.no) AS names, min(p.no) AS plan_no
	INTO found
	FROM appraisal.revision_for(appraisal.period_of('last:28d'), NULL) AS f
	JOIN appraisal.plan_revision r ON r.id = f.document ->> 'id'
	CROSS JOIN LATERAL jsonb_array_elements(f.document -> 'plans') WITH ORDINALITY AS p (of, no)
	WHERE p.of ->> 'name' = coalesce($2, p.of ->> 'name') AND EXISTS (
		SELECT FROM jsonb_array_elements(p.of -> 'indicators') AS i (of) WHERE i.of ->> 'name' = $3)
	GROUP BY r.revision_no;
	plans := found.names;
	wrong := (
		SELECT min(t.ticket_id)
		FROM unnest($4) AS t (ticket_id)
		WHERE NOT EXISTS (SELECT FROM kpid.ledger l WHERE l.ticket_id = t.ticket_id AND l.agent_id = $1));
	IF plans IS NULL THEN
		refusal := format('no plan in force has an indicator %s', indicator);
	ELSIF cardinality(plans) > 1 THEN
		refusal := format('several plans have such an indicator; name the plan: %s', array_to_string(plans, ', '));
	ELSIF wrong IS NOT NULL THEN
		refusal := format('ticket %s has nothing of agent %s', wrong, agent);
	ELSIF target !~ '^-?(\d{1,15}(\.\d{1,6})?%?|(\d{1,9}[dhms])+)$' THEN
		refusal := format('a target is a number, a percentage or a duration, such as 95%% or 30m, not %s', target);
	ELSIF follow_up IS NULL OR follow_up <= appraisal.today() THEN
		refusal := 'name a day after today on which you look at it again';
	END IF;
	IF refusal IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = refusal;
	END IF;
	INSERT INTO appraisal.note
		(agent_id, revision_no, plan_no, indicator, tickets, agreed, target, follow_up, written_on, written_at, written_by, login)
	VALUES ($1, found.revision_no, found.plan_no, $3, coalesce($4, '{}'), $5, appraisal.number(to_jsonb($6)), $7, appraisal.today(),
		clock_timestamp(), $8, login)
	RETURNING note_no INTO no;
	RETURN no;
END
$body$;
COMMENT ON FUNCTION appraisal.note(text, text, text, text[], text, text, date, text) IS 'Writes a coaching note about an indicator of an agent that the caller leads (rule W2). plan may be NULL if one plan has the indicator; tickets and target may be NULL.';

CREATE FUNCTION appraisal.end_note(note_no bigint, state text, outcome text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	n record;
	refusal text;
BEGIN
	LOCK TABLE appraisal.note_step IN SHARE ROW EXCLUSIVE MODE;
	SELECT s.state INTO n FROM appraisal.note_state s WHERE s.note_no = $1 AND s.login = appraisal.acting_login();
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('you have written no note %s', $1);
	ELSIF coalesce($2, '') NOT IN ('done', 'dropped') THEN
		refusal := 'a note ends as done or dropped';
	ELSIF n.state = 'open' THEN
		refusal := format('the agent has not acknowledged note %s', $1);
	ELSIF n.state <> 'acknowledged' THEN
		refusal := format('note %s is %s already', $1, n.state);
	ELSIF coalesce(length(btrim($3)), 0) NOT BETWEEN 1 AND 2000 THEN
		refusal := 'say what came of it, in 1 to 2,000 characters';
	END IF;
	IF refusal IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = refusal;
	END IF;
	INSERT INTO appraisal.note_step (note_no, state, is_end, at, login, outcome)
	VALUES ($1, $2, true, clock_timestamp(), appraisal.acting_login(), $3);
END
$body$;
COMMENT ON FUNCTION appraisal.end_note(bigint, text, text) IS 'Ends an own coaching note that the agent has acknowledged: done or dropped, with the outcome.';

CREATE FUNCTION appraisal.note_documents(agents text[]) RETURNS jsonb
LANGUAGE sql STABLE
AS $body$
	SELECT coalesce(jsonb_agg(appraisal.note_document(n) ORDER BY n.note_no), '[]')
	FROM appraisal.note_state n
	WHERE n.agent_id = ANY (agents)
$body$;
COMMENT ON FUNCTION appraisal.note_documents(text[]) IS 'The coaching notes of some agents.';

CREATE FUNCTION appraisal.notes(agent text DEFAULT NULL, why text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	reader appraisal.reader := appraisal.reader();
	agents text[];
BEGIN
	IF agent IS NOT NULL THEN
		PERFORM appraisal.refuse_unseen(reader, 'agent', agent);
	END IF;
	agents := ARRAY(
		SELECT DISTINCT n.agent_id
		FROM appraisal.note n
		WHERE n.agent_id = coalesce(agent, n.agent_id) AND appraisal.may_see(reader, 'agent', n.agent_id));
	PERFORM appraisal.record_access(reader, 'appraisal.notes', NULL, agents, why);
	RETURN appraisal.note_documents(agents);
END
$body$;
COMMENT ON FUNCTION appraisal.notes(text, text) IS 'The coaching notes about an agent; agent NULL: about all whose results the caller may see.';

CREATE FUNCTION me.acknowledge(note_no bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	n record;
BEGIN
	LOCK TABLE appraisal.note_step IN SHARE ROW EXCLUSIVE MODE;
	SELECT s.state INTO n FROM appraisal.note_state s WHERE s.note_no = $1 AND s.agent_id = ANY (me.agents());
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no note %s about you', $1);
	ELSIF n.state <> 'open' THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('note %s is %s already', $1, n.state);
	END IF;
	INSERT INTO appraisal.note_step (note_no, state, is_end, at, login, outcome)
	VALUES ($1, 'acknowledged', false, clock_timestamp(), me.login(), '');
END
$body$;
COMMENT ON FUNCTION me.acknowledge(bigint) IS 'Acknowledges a coaching note about oneself.';

CREATE FUNCTION me.notes() RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	agents text[] := me.agents();
BEGIN
	PERFORM appraisal.record_access((me.login(), 'kpid_agent', agents, NULL)::appraisal.reader, 'me.notes', NULL, agents, NULL);
	RETURN appraisal.note_documents(agents);
END
$body$;
COMMENT ON FUNCTION me.notes() IS 'The coaching notes about oneself.';

-- ---- the page of an agent (rule W3) ----

CREATE FUNCTION appraisal.closed_tickets(closing_no integer, plan_no integer, agent text, rule jsonb)
RETURNS TABLE (ticket_id text, above numeric, under numeric)
LANGUAGE plpgsql STABLE
SET jit = off
AS $body$
DECLARE
	c appraisal.closing;
	revision jsonb;
	dimensions text[];
BEGIN
	SELECT x.* INTO c FROM appraisal.closing x WHERE x.closing_no = $1;
	revision := (SELECT p.json::jsonb FROM appraisal.plan_revision p WHERE p.revision_no = c.revision_no);
	dimensions := appraisal.dimensions_of(revision);
	RETURN QUERY EXECUTE appraisal.closed_source_sql($1, revision, c.cycle, true, format(
			'r.plan_no = %s AND r.agent_id = %L AND r.ticket_id <> ALL (%L::text[])', plan_no, agent, ARRAY(
				SELECT a.ticket_id
				FROM appraisal.in_force(c.key, revision -> 'plans' -> (plan_no - 1) ->> 'name', 'agent', agent, 9223372036854775807) AS a
				WHERE a.kind = 'exclude' AND coalesce(a.indicator, rule ->> 'name') = rule ->> 'name')))
		|| format('SELECT c.ticket_id, sum(%s)::numeric, sum(%s)::numeric FROM cells c WHERE %s GROUP BY c.ticket_id',
			appraisal.sum_sql(rule ->> 'value', false, dimensions), appraisal.sum_sql(rule ->> 'value', true, dimensions),
			appraisal.match_sql('c', rule -> 'where'));
END
$body$;
COMMENT ON FUNCTION appraisal.closed_tickets(integer, integer, text, jsonb) IS 'The tickets behind an indicator of the latest version of a closed card of an agent: what each adds above and under the /.';

CREATE FUNCTION appraisal.costliest(key text, closing_no integer, plan jsonb, plan_no integer, card jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	worst record;
	up boolean;
	list jsonb;
BEGIN
	SELECT i.of ->> 'name' AS name, (i.of ->> 'weight')::numeric - (i.of ->> 'points')::numeric AS lost, r.of AS rule
	INTO worst
	FROM jsonb_array_elements(card -> 'indicators') AS i (of)
	JOIN jsonb_array_elements(plan -> 'indicators') WITH ORDINALITY AS r (of, no) ON r.of ->> 'name' = i.of ->> 'name'
	WHERE i.of ->> 'status' = 'scored'
	ORDER BY lost DESC, r.no
	LIMIT 1;
	IF NOT FOUND OR worst.lost <= 0 THEN
		RETURN NULL;
	END IF;
	up := worst.rule ->> 'better' = 'up';
	IF worst.rule ->> 'value' = 'manual' THEN
		list := '[]';
	ELSIF closing_no IS NULL THEN
		SELECT jsonb_agg(jsonb_build_object('ticket', t.ticket_id, 'above', t.above, 'base', t.under) ORDER BY t.cost DESC, t.ticket_id COLLATE "C")
		INTO list
		FROM (
			SELECT x.*, CASE WHEN up THEN x.under - x.above ELSE x.above END AS cost
			FROM appraisal.tickets_of(key, plan ->> 'name', 'agent', card ->> 'subject', worst.name, NULL) AS x
			WHERE x.above <> 0 OR x.under <> 0
			ORDER BY cost DESC, x.ticket_id COLLATE "C"
			LIMIT 20
		) t;
	ELSE
		SELECT jsonb_agg(jsonb_build_object('ticket', t.ticket_id, 'above', t.above, 'base', t.under) ORDER BY t.cost DESC, t.ticket_id COLLATE "C")
		INTO list
		FROM (
			SELECT x.*, CASE WHEN up THEN x.under - x.above ELSE x.above END AS cost
			FROM appraisal.closed_tickets(closing_no, plan_no, card ->> 'subject', worst.rule) AS x
			WHERE x.above <> 0 OR x.under <> 0
			ORDER BY cost DESC, x.ticket_id COLLATE "C"
			LIMIT 20
		) t;
	END IF;
	RETURN jsonb_build_object('indicator', worst.name, 'lost', worst.lost, 'tickets', coalesce(list, '[]'));
END
$body$;
COMMENT ON FUNCTION appraisal.costliest(text, integer, jsonb, integer, jsonb) IS 'The indicator that costs a card most points, and up to 20 tickets behind it, those that cost most first.';

CREATE FUNCTION appraisal.page_of(reader appraisal.reader, key text, agents text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	latest_no integer := (SELECT c.closing_no FROM appraisal.closing c WHERE c.key = $2 ORDER BY c.version DESC LIMIT 1);
	period appraisal.period := appraisal.period_of($2);
	document jsonb;
BEGIN
	IF latest_no IS NULL THEN
		document := appraisal.shown_to(reader, appraisal.preview_of($2, NULL));
	ELSE
		document := appraisal.shown_to(reader, appraisal.closed_of($2));
	END IF;
	RETURN jsonb_build_object(
		'period', document - ARRAY['plans', 'adjustments'],
		'agents', to_jsonb(agents),
		'cards', (
			SELECT coalesce(jsonb_agg(jsonb_build_object(
				'plan', p.of -> 'rules', 'card', k.of,
				'appeal_until', l.until AT TIME ZONE 'UTC',
				'costs_most', appraisal.costliest($2, latest_no, p.of -> 'rules', n.plan_no, k.of)) ORDER BY n.plan_no, k.of ->> 'subject'), '[]')
			FROM jsonb_array_elements(document -> 'plans') AS p (of)
			CROSS JOIN LATERAL jsonb_array_elements(p.of -> 'cards') AS k (of)
			LEFT JOIN LATERAL (
				SELECT c.plan_no, c.made_at + appraisal.within(p.of -> 'rules', 'appeal_within', 604800) AS until
				FROM appraisal.closed_card c
				WHERE c.closing_no = latest_no AND c.plan = p.of ->> 'name' AND c.level = 'agent' AND c.subject = k.of ->> 'subject'
				ORDER BY c.version DESC
				LIMIT 1
			) l ON true
			CROSS JOIN LATERAL (SELECT coalesce(l.plan_no, 0) AS plan_no) n
			WHERE k.of ->> 'level' = 'agent' AND k.of ->> 'subject' = ANY (agents)),
		'adjustments', (
			SELECT coalesce(jsonb_agg(a.of ORDER BY a.no), '[]')
			FROM jsonb_array_elements(coalesce(document -> 'adjustments', '[]')) WITH ORDINALITY AS a (of, no)
			WHERE a.of ->> 'level' = 'agent' AND a.of ->> 'subject' = ANY (agents)),
		'history', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('key', h.key, 'plan', h.plan, 'agent', h.subject, 'status', h.status, 'score', h.score,
				'low', h.low, 'high', h.high, 'grade', h.grade, 'rank', h.rank, 'best', h.best, 'worst', h.worst, 'ranked', h.ranked)
				ORDER BY h.ends_at, h.plan_no, h.subject), '[]')
			FROM (
				SELECT c.*, b.ends_at
				FROM (
					SELECT DISTINCT x.key, x.ends_at
					FROM appraisal.closing x
					WHERE x.cycle = period.cycle AND x.ends_at <= period.ends_at
					ORDER BY x.ends_at DESC
					LIMIT 12
				) b
				JOIN appraisal.latest_card c ON c.key = b.key
				WHERE c.level = 'agent' AND c.subject = ANY (agents)
			) h),
		'notes', appraisal.note_documents(agents),
		'appeals', (
			SELECT coalesce(jsonb_agg(appraisal.appeal_document(a) ORDER BY a.appeal_no), '[]')
			FROM appraisal.appeal_state a
			WHERE a.agent_id = ANY (agents)),
		'read_by', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('read_at', r.read_at AT TIME ZONE 'UTC', 'login', r.login, 'role', r.role,
				'function', r.function, 'key', r.key, 'why', r.why) ORDER BY r.access_no DESC), '[]')
			FROM (
				SELECT x.*
				FROM appraisal.access x
				WHERE x.agent_id = ANY (agents)
				ORDER BY x.read_at DESC
				LIMIT 200
			) r));
END
$body$;
COMMENT ON FUNCTION appraisal.page_of(appraisal.reader, text, text[]) IS 'Everything of rule W3 about some agents in a period.';

CREATE FUNCTION appraisal.page(key text, agent text, why text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	reader appraisal.reader := appraisal.reader();
BEGIN
	PERFORM appraisal.refuse_unseen(reader, 'agent', agent);
	PERFORM appraisal.record_access(reader, 'appraisal.page', key, ARRAY[agent], why);
	RETURN appraisal.page_of(reader, key, ARRAY[agent]);
END
$body$;
COMMENT ON FUNCTION appraisal.page(text, text, text) IS 'The page of an agent (rule W3) as a document: cards and what costs them most, twelve periods, notes, appeals, and who has read his results.';

CREATE FUNCTION me.page(key text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	reader appraisal.reader := (me.login(), 'kpid_agent', me.agents(), NULL)::appraisal.reader;
BEGIN
	PERFORM appraisal.record_access(reader, 'me.page', key, reader.agents, NULL);
	RETURN appraisal.page_of(reader, key, reader.agents);
END
$body$;
COMMENT ON FUNCTION me.page(text) IS 'The own page (rule W3) as a document: cards and what costs them most, twelve periods, notes, appeals, and who has read the own results.';

-- ---- pseudonyms (rule V4) ----

CREATE TABLE appraisal.pseudonym (
	agent_id text COLLATE "C" PRIMARY KEY,
	agent_key text COLLATE "C" NOT NULL UNIQUE CHECK (agent_key ~ '^[0-9a-f]{16}$')
);
COMMENT ON TABLE appraisal.pseudonym IS 'The pseudonyms of agents, which kpid appraisal pseudonyms computes. The key from which they follow is never here.';

CREATE FUNCTION appraisal.agents_without_key() RETURNS TABLE (agent_id text, agent_key text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
	(SELECT p.agent_id, p.agent_key FROM appraisal.pseudonym p WHERE NOT appraisal.is_erased(p.agent_id) LIMIT 1)
	UNION ALL
	(
		SELECT a.agent_id, NULL
		FROM (
			SELECT k.agent_id FROM kpid.agent_kpi_5m k
			UNION
			SELECT b.agent_id FROM kpid.agent_backlog b
			UNION
			SELECT r.agent_id FROM appraisal.roster r
		) a
		WHERE a.agent_id <> '' AND NOT appraisal.is_erased(a.agent_id)
			AND NOT EXISTS (SELECT FROM appraisal.pseudonym p WHERE p.agent_id = a.agent_id)
	)
$body$;
COMMENT ON FUNCTION appraisal.agents_without_key() IS 'The agents that have no pseudonym. The first row is one that has, if there is any: the program checks its key file by it.';

CREATE FUNCTION appraisal.add_agent_keys(keys jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	n integer;
BEGIN
	-- The key of a forgotten agent is there already, without his id, and stays so.
	INSERT INTO appraisal.pseudonym (agent_id, agent_key)
	SELECT k.agent_id, k.agent_key
	FROM jsonb_to_recordset(keys) AS k (agent_id text, agent_key text)
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$body$;
COMMENT ON FUNCTION appraisal.add_agent_keys(jsonb) IS 'Stores pseudonyms, a list of agent_id and agent_key, and returns how many are new. Those that exist stay.';

DO $views$
DECLARE
	v text;
	c record;
BEGIN
	FOREACH v IN ARRAY ARRAY['agent_kpi_5m', 'agent_kpi_hourly', 'agent_kpi_daily', 'agent_kpi_rolling', 'ledger', 'ledger_item', 'ledger_status',
		'group_kpi_5m', 'group_card']
	LOOP
		EXECUTE (
			SELECT format('CREATE VIEW bi.%1$I AS SELECT %2$s FROM report.%1$I r%3$s', v,
				string_agg(CASE a.attname WHEN 'agent_id' THEN 'CASE WHEN r.agent_id = '''' THEN '''' ELSE p.agent_key END AS agent_key'
					ELSE format('r.%I', a.attname) END, ', ' ORDER BY a.attnum) FILTER (WHERE a.attname <> 'ticket_id'),
				CASE WHEN bool_or(a.attname = 'agent_id') THEN ' LEFT JOIN appraisal.pseudonym p ON p.agent_id = r.agent_id' ELSE '' END)
			FROM pg_catalog.pg_attribute a
			WHERE a.attrelid = format('report.%I', v)::regclass AND a.attnum > 0 AND NOT a.attisdropped);
		FOR c IN
			SELECT a.attname, col_description(a.attrelid, a.attnum) AS meaning
			FROM pg_catalog.pg_attribute a
			WHERE a.attrelid = format('report.%I', v)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'ticket_id'
		LOOP
			IF c.attname = 'agent_id' THEN
				EXECUTE format('COMMENT ON COLUMN bi.%I.agent_key IS %L', v,
					'The pseudonym of the agent; the empty text: nobody; NULL: an agent who is forgotten, or new since kpid appraisal pseudonyms.');
			ELSE
				EXECUTE format('COMMENT ON COLUMN bi.%I.%I IS %L', v, c.attname, c.meaning);
			END IF;
		END LOOP;
		EXECUTE format('COMMENT ON VIEW bi.%I IS %L', v,
			'As report.' || v || ', with agent_key in place of agent_id and without tickets: '
			|| obj_description(format('report.%I', v)::regclass, 'pg_class'));
	END LOOP;
END
$views$;
GRANT SELECT ON ALL TABLES IN SCHEMA bi TO kpid_bi;

-- ---- forgetting an agent (rule V5) ----

CREATE TABLE appraisal.erasure (
	erasure_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	erased_at timestamptz NOT NULL,
	erased_by text NOT NULL CHECK (length(erased_by) BETWEEN 1 AND 200),
	login text COLLATE "C" NOT NULL,
	why text NOT NULL CHECK (length(why) BETWEEN 1 AND 2000),
	xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
COMMENT ON TABLE appraisal.erasure IS 'The agents that were forgotten, under the name that they have since: erased- and erasure_no. Who they were is stored nowhere.';
COMMENT ON COLUMN appraisal.erasure.xid IS 'The transaction. In it alone the triggers let ids become that name.';

CREATE TABLE appraisal.digest_renewal (
	closing_no integer NOT NULL REFERENCES appraisal.closing,
	erasure_no integer NOT NULL REFERENCES appraisal.erasure,
	before bytea NOT NULL,
	after bytea NOT NULL,
	PRIMARY KEY (closing_no, erasure_no)
);
COMMENT ON TABLE appraisal.digest_renewal IS 'The digests of closed periods that changed because an agent was forgotten.';

CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON appraisal.erasure FOR EACH ROW EXECUTE FUNCTION appraisal.refuse_change();
CREATE TRIGGER is_never_emptied BEFORE TRUNCATE ON appraisal.erasure FOR EACH STATEMENT EXECUTE FUNCTION appraisal.refuse_change();
CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON appraisal.digest_renewal FOR EACH ROW EXECUTE FUNCTION appraisal.refuse_change();
CREATE TRIGGER is_never_emptied BEFORE TRUNCATE ON appraisal.digest_renewal FOR EACH STATEMENT EXECUTE FUNCTION appraisal.refuse_change();

-- Forgetting renames the agent of a card to which appeals refer.
DO $constraint$
DECLARE
	name text := (SELECT c.conname FROM pg_catalog.pg_constraint c WHERE c.conrelid = 'appraisal.appeal'::regclass AND c.confrelid = 'appraisal.closed_card'::regclass);
BEGIN
	EXECUTE format('ALTER TABLE appraisal.appeal DROP CONSTRAINT %I', name);
END
$constraint$;
ALTER TABLE appraisal.appeal
	ADD FOREIGN KEY (closing_no, plan_no, level, subject, version) REFERENCES appraisal.closed_card ON UPDATE CASCADE;

CREATE FUNCTION appraisal.only_erases(old_row jsonb, new_row jsonb) RETURNS boolean
LANGUAGE sql STABLE
AS $body$
	SELECT coalesce(bool_and(EXISTS (
		SELECT
		FROM appraisal.erasure e
		WHERE e.xid = pg_current_xact_id_if_assigned() AND (
			(d.key IN ('agent_id', 'subject', 'login', 'ended_by') AND d.value = to_jsonb('erased-' || e.erasure_no))
			OR (d.key = 'digest' AND EXISTS (
				SELECT
				FROM appraisal.digest_renewal r
				WHERE r.erasure_no = e.erasure_no AND to_jsonb(r.closing_no) = old_row -> 'closing_no'
					AND to_jsonb(r.before) = old_row -> 'digest' AND to_jsonb(r.after) = d.value)))
	)), false)
	FROM jsonb_each(new_row) AS d
	WHERE d.value IS DISTINCT FROM old_row -> d.key
$body$;
COMMENT ON FUNCTION appraisal.only_erases(jsonb, jsonb) IS 'Whether a row changes only in that an agent is forgotten who has a record in this transaction.';

CREATE OR REPLACE FUNCTION appraisal.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
	IF TG_OP = 'UPDATE' THEN
		IF appraisal.only_erases(to_jsonb(OLD), to_jsonb(NEW)) THEN
			RETURN NEW;
		END IF;
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format(
		'rows of %I.%I never change; add one', TG_TABLE_SCHEMA, TG_TABLE_NAME);
END
$body$;
COMMENT ON FUNCTION appraisal.refuse_change() IS 'The trigger of tables to which rows are only ever added. Only the id of an agent who is forgotten changes (rule V5).';

CREATE FUNCTION appraisal.refuse_restating_erased() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
	IF NEW.version > 1 AND EXISTS (
		SELECT
		FROM appraisal.closing c
		JOIN appraisal.digest_renewal r ON r.closing_no = c.closing_no
		WHERE c.key = NEW.key
	) THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format(
			'an agent of %s is forgotten, and restating it would bring his id back from the ledger', NEW.key);
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION appraisal.refuse_restating_erased() IS 'Refuses to restate a period with cards of forgotten agents.';
CREATE TRIGGER keeps_erased BEFORE INSERT ON appraisal.closing FOR EACH ROW EXECUTE FUNCTION appraisal.refuse_restating_erased();

CREATE FUNCTION appraisal.forget_obstacles(agent text) RETURNS text[]
LANGUAGE sql STABLE
AS $body$
	SELECT array_remove(ARRAY[
		(SELECT 'the roster has this agent today or later'
			FROM appraisal.roster r
			WHERE r.agent_id = agent AND (r.until IS NULL OR r.until >= appraisal.today())
			HAVING count(*) > 0),
		(SELECT format('%s is not closed, and has values that were entered for this agent', string_agg(DISTINCT m.key, ', '))
			FROM appraisal.manual_entry m
			WHERE m.level = 'agent' AND m.subject = agent AND NOT EXISTS (SELECT FROM appraisal.closing c WHERE c.key = m.key)
			HAVING count(*) > 0),
		(SELECT format('an appeal against a card of %s is open', string_agg(DISTINCT a.key, ', '))
			FROM appraisal.appeal_state a
			WHERE a.agent_id = agent AND a.state = 'filed'
			HAVING count(*) > 0),
		(SELECT format('%s is not final', string_agg(DISTINCT c.key, ', '))
			FROM appraisal.closing c
			JOIN appraisal.closed_card d ON d.closing_no = c.closing_no AND d.level = 'agent' AND d.subject = agent
			JOIN appraisal.plan_revision p ON p.revision_no = c.revision_no
			WHERE NOT EXISTS (SELECT FROM appraisal.closing l WHERE l.key = c.key AND l.version > c.version)
				AND c.closed_at + appraisal.within(p.json::jsonb -> 'plans' -> (d.plan_no - 1), 'appeal_within', 604800) > clock_timestamp()
			HAVING count(*) > 0)
	], NULL)
$body$;
COMMENT ON FUNCTION appraisal.forget_obstacles(text) IS 'Why an agent cannot be forgotten now: he is in the roster, or a period of his is not final (rules V5 and Z8).';

CREATE FUNCTION appraisal.erase(agent text, who text, login text, why text) RETURNS jsonb
LANGUAGE plpgsql
AS $body$
DECLARE
	no integer;
	new_id text;
	n_cards bigint;
	logins text[] := ARRAY(
		SELECT DISTINCT r.login
		FROM appraisal.roster r
		WHERE r.agent_id = agent AND r.login <> ''
			AND NOT EXISTS (SELECT FROM appraisal.roster o WHERE o.login = r.login AND o.agent_id <> agent));
	renewed jsonb := '[]';
	c record;
	digest_after bytea;
BEGIN
	INSERT INTO appraisal.erasure (erased_at, erased_by, login, why) VALUES (clock_timestamp(), $2, $3, $4) RETURNING erasure_no INTO no;
	new_id := 'erased-' || no;
	UPDATE appraisal.closed_row r SET agent_id = new_id WHERE r.closing_no IN (SELECT p.closing_no FROM appraisal.closing p) AND r.agent_id = agent;
	UPDATE appraisal.closed_item r SET agent_id = new_id WHERE r.closing_no IN (SELECT p.closing_no FROM appraisal.closing p) AND r.agent_id = agent;
	UPDATE appraisal.closed_manual m SET subject = new_id WHERE m.level = 'agent' AND m.subject = agent;
	UPDATE appraisal.closed_indicator i SET subject = new_id WHERE i.level = 'agent' AND i.subject = agent;
	UPDATE appraisal.closed_card d SET subject = new_id WHERE d.level = 'agent' AND d.subject = agent;
	GET DIAGNOSTICS n_cards = ROW_COUNT;
	UPDATE appraisal.manual_entry m SET subject = new_id WHERE m.level = 'agent' AND m.subject = agent;
	UPDATE appraisal.adjustment a SET subject = new_id WHERE a.level = 'agent' AND a.subject = agent;
	-- What he did as an agent. What he did with other rights stays accountable.
	UPDATE appraisal.appeal a SET login = new_id WHERE a.subject = new_id;
	UPDATE appraisal.appeal_end e SET login = new_id, ended_by = new_id
		WHERE e.state = 'withdrawn' AND e.appeal_no IN (SELECT a.appeal_no FROM appraisal.appeal a WHERE a.subject = new_id);
	UPDATE appraisal.note n SET agent_id = new_id WHERE n.agent_id = agent;
	UPDATE appraisal.note_step s SET login = new_id
		WHERE s.state = 'acknowledged' AND s.note_no IN (SELECT n.note_no FROM appraisal.note n WHERE n.agent_id = new_id);
	UPDATE appraisal.access a SET agent_id = new_id, login = CASE WHEN a.role = 'kpid_agent' AND a.login = ANY (logins) THEN new_id ELSE a.login END
		WHERE a.agent_id = agent;
	UPDATE appraisal.roster r SET agent_id = new_id, login = '' WHERE r.agent_id = agent;
	UPDATE appraisal.pseudonym p SET agent_id = new_id WHERE p.agent_id = agent;
	FOR c IN
		SELECT p.closing_no, p.key, p.version, p.digest
		FROM appraisal.closing p
		WHERE EXISTS (SELECT FROM appraisal.closed_card d WHERE d.closing_no = p.closing_no AND d.level = 'agent' AND d.subject = new_id)
		ORDER BY p.closing_no
	LOOP
		digest_after := sha256(convert_to(appraisal.digest_text(c.closing_no, c.key, c.version), 'UTF8'));
		INSERT INTO appraisal.digest_renewal VALUES (c.closing_no, no, c.digest, digest_after);
		UPDATE appraisal.closing p SET digest = digest_after WHERE p.closing_no = c.closing_no;
		renewed := renewed || jsonb_build_object('key', c.key, 'version', c.version, 'before', encode(c.digest, 'hex'), 'after', encode(digest_after, 'hex'));
	END LOOP;
	RETURN jsonb_build_object('erased', new_id, 'cards', n_cards, 'digests', renewed);
END
$body$;
COMMENT ON FUNCTION appraisal.erase(text, text, text, text) IS 'Gives an agent the name erased-N in everything that appraisals store, and renews the digests.';

CREATE FUNCTION appraisal.is_known(agent text) RETURNS boolean
LANGUAGE sql STABLE
AS $body$
	SELECT EXISTS (SELECT FROM appraisal.closed_card c WHERE c.level = 'agent' AND c.subject = agent)
		OR EXISTS (SELECT FROM appraisal.roster r WHERE r.agent_id = agent)
		OR EXISTS (SELECT FROM appraisal.manual_entry m WHERE m.level = 'agent' AND m.subject = agent)
		OR EXISTS (SELECT FROM appraisal.note n WHERE n.agent_id = agent)
		OR EXISTS (SELECT FROM appraisal.access a WHERE a.agent_id = agent)
		OR EXISTS (SELECT FROM appraisal.pseudonym p WHERE p.agent_id = agent)
$body$;
COMMENT ON FUNCTION appraisal.is_known(text) IS 'Whether appraisals store anything about an agent.';

CREATE FUNCTION appraisal.forget(agent text, who text, why text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $body$
DECLARE
	login text := appraisal.hr_login();
	obstacles text[];
BEGIN
	PERFORM appraisal.check_record(who, why);
	LOCK TABLE appraisal.closing IN SHARE ROW EXCLUSIVE MODE;
	LOCK TABLE appraisal.roster IN SHARE ROW EXCLUSIVE MODE;
	IF agent IS NULL OR appraisal.is_erased(agent) OR NOT appraisal.is_known(agent) THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('appraisals store nothing about agent %s', agent);
	END IF;
	obstacles := appraisal.forget_obstacles(agent);
	IF cardinality(obstacles) > 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = array_to_string(obstacles, '; ');
	END IF;
	RETURN appraisal.erase(agent, who, login, why);
END
$body$;
COMMENT ON FUNCTION appraisal.forget(text, text, text) IS 'Forgets an agent (rule V5) whose periods are final: his id becomes erased-N in everything that appraisals store.';

CREATE FUNCTION kpid.forget_appraised(months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $body$
DECLARE
	until timestamptz := clock_timestamp() - make_interval(months => months);
	agent text;
	n integer := 0;
BEGIN
	IF months IS NULL OR months < 1 OR NOT EXISTS (SELECT FROM appraisal.closing c WHERE c.ends_at < until) THEN
		RETURN 0;
	END IF;
	BEGIN
		LOCK TABLE appraisal.closing IN SHARE ROW EXCLUSIVE MODE NOWAIT;
		LOCK TABLE appraisal.roster IN SHARE ROW EXCLUSIVE MODE NOWAIT;
	EXCEPTION WHEN lock_not_available THEN
		RETURN 0; -- somebody closes a period; the next call does it
	END;
	FOR agent IN
		SELECT d.subject
		FROM appraisal.closed_card d
		JOIN appraisal.closing c ON c.closing_no = d.closing_no
		WHERE d.level = 'agent' AND d.version = 1 AND NOT appraisal.is_erased(d.subject)
		GROUP BY d.subject
		HAVING max(c.ends_at) < until
		ORDER BY d.subject
	LOOP
		IF cardinality(appraisal.forget_obstacles(agent)) = 0 THEN
			PERFORM appraisal.erase(agent, 'kpid', session_user::text, format('the last period ended more than %s months ago (keep)', months));
			n := n + 1;
		END IF;
	END LOOP;
	RETURN n;
END
$body$;
COMMENT ON FUNCTION kpid.forget_appraised(integer) IS 'Forgets the agents whose last closed period ended more than some months ago and is final (rule V5: keep), and returns how many.';

REVOKE ALL ON ALL ROUTINES IN SCHEMA appraisal, me FROM PUBLIC;
REVOKE ALL ON FUNCTION kpid.forget_appraised(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpid.forget_appraised(integer) TO kpid_writer;
GRANT EXECUTE ON FUNCTION appraisal.notes(text, text), appraisal.page(text, text, text) TO kpid_hr, kpid_lead;
GRANT EXECUTE ON FUNCTION appraisal.note(text, text, text, text[], text, text, date, text), appraisal.end_note(bigint, text, text) TO kpid_lead;
GRANT EXECUTE ON FUNCTION appraisal.agents_without_key(), appraisal.add_agent_keys(jsonb), appraisal.forget(text, text, text) TO kpid_hr;
GRANT EXECUTE ON FUNCTION me.acknowledge(bigint), me.notes(), me.page(text) TO kpid_agent;
