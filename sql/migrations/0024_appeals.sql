-- Appeals against cards of a closed period (rules W), and who may call what.

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
