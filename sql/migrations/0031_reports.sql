-- What kpid appraisal report shows beside the cards (rules W3 and J4 of docs/appraisal.md): past periods, peers, the tickets that
-- cost most, the agents of a team, appeals and adjustments. All in one document, and its times in the zone of the period.

CREATE FUNCTION appraisal.local_time(utc text, zone text) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT to_char((utc::timestamp AT TIME ZONE 'UTC') AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI')
$body$;
COMMENT ON FUNCTION appraisal.local_time(text, text) IS 'A time of a document, which is in UTC, as people of a zone write it.';

CREATE FUNCTION appraisal.peers(plan jsonb, cards jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $body$
	WITH scored AS (
		SELECT c.of AS card, (c.of ->> 'score')::numeric AS score
		FROM jsonb_array_elements(cards) AS c (of)
		WHERE c.of ->> 'level' = 'agent' AND c.of ->> 'status' = 'scored'
	), points AS (
		SELECT i.no, i.of ->> 'name' AS name, (i.of ->> 'n')::numeric AS n, (i.of ->> 'above')::numeric AS above,
			coalesce(i.of ->> 'adjusted', i.of ->> 'value')::numeric AS value
		FROM scored s
		CROSS JOIN LATERAL jsonb_array_elements(s.card -> 'indicators') WITH ORDINALITY AS i (of, no)
		WHERE (i.of ->> 'n')::numeric > 0 AND plan -> 'indicators' -> (i.no::integer - 1) ->> 'unit' = 'percent'
			AND plan -> 'indicators' -> (i.no::integer - 1) ->> 'value' <> 'manual'
			AND appraisal.has_under(plan -> 'indicators' -> (i.no::integer - 1) ->> 'value')
	)
	SELECT jsonb_build_object(
		'scored', (SELECT count(*) FROM scored),
		'quartiles', (
			SELECT CASE WHEN count(*) >= 5 THEN to_jsonb(percentile_disc(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY s.score)) END
			FROM scored s),
		-- The order of the points must not say who they are.
		'funnels', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('name', f.name, 'rate', f.rate, 'points', f.points) ORDER BY f.no), '[]')
			FROM (
				SELECT p.no, p.name, appraisal.rounded(appraisal.quotient(sum(p.above), sum(p.n)), 6) AS rate,
					jsonb_agg(jsonb_build_array(p.n, p.value) ORDER BY p.n, p.value) AS points
				FROM points p
				GROUP BY p.no, p.name
				HAVING count(*) >= 20
			) f))
$body$;
COMMENT ON FUNCTION appraisal.peers(jsonb, jsonb) IS 'What an agent may see of the other cards of a plan (rule J4): quartiles of the scores if there are at least 5, and unnamed points of funnel plots if there are at least 20; otherwise null and none.';

CREATE FUNCTION appraisal.next_grade(plan jsonb, card jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT CASE
		WHEN (card ->> 'score')::numeric < better.at_least
			THEN jsonb_build_object('grade', better.name, 'points', better.at_least - (card ->> 'score')::numeric)
		ELSE jsonb_build_object('grade', better.name, 'limits', (
			SELECT coalesce(jsonb_agg(r.name ORDER BY i.no), '[]')
			FROM jsonb_array_elements(card -> 'indicators') WITH ORDINALITY AS i (of, no)
			JOIN jsonb_array_elements(plan -> 'indicators') WITH ORDINALITY AS p (of, no) ON p.no = i.no
			CROSS JOIN LATERAL (
				SELECT p.of ->> 'name' AS name, appraisal.number(p.of -> 'limit' -> 'beyond') AS beyond,
					coalesce(i.of ->> 'adjusted', i.of ->> 'value')::numeric AS value
			) r
			WHERE (i.of ->> 'n')::numeric >= 1 AND p.of -> 'limit' ->> 'grade' = own.name
				AND CASE p.of ->> 'better' WHEN 'up' THEN r.value < r.beyond ELSE r.value > r.beyond END))
	END
	FROM appraisal.grades_of(plan) AS own
	JOIN appraisal.grades_of(plan) AS better ON better.grade_no = own.grade_no - 1
	WHERE own.name = card ->> 'grade'
$body$;
COMMENT ON FUNCTION appraisal.next_grade(jsonb, jsonb) IS 'The next better grade than that of a card, and how many points are missing, or which limits (rule R6) are in the way; NULL: there is none, or no grade.';

CREATE FUNCTION appraisal.costly_item(card jsonb) RETURNS integer
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT i.no::integer
	FROM jsonb_array_elements(card -> 'indicators') WITH ORDINALITY AS i (of, no)
	WHERE (i.of ->> 'weight')::numeric > (i.of ->> 'points')::numeric
	ORDER BY (i.of ->> 'weight')::numeric - (i.of ->> 'points')::numeric DESC, i.no
	LIMIT 1
$body$;
COMMENT ON FUNCTION appraisal.costly_item(jsonb) IS 'The number of the indicator that costs a card most points, the first of equals; NULL: none costs any.';

CREATE FUNCTION appraisal.costs(key text, closing_no integer, revision jsonb, cycle text, source text, plans jsonb)
RETURNS TABLE (plan text, subject text, document jsonb)
LANGUAGE sql STABLE
AS $body$
	WITH worst AS MATERIALIZED (
		SELECT p.plan_no, p.plan ->> 'name' AS plan, card.of ->> 'subject' AS subject, w.item_no, i.of AS indicator,
			appraisal.has_under(i.of ->> 'value') AS is_quotient,
			ARRAY(
				SELECT e.ticket_id
				FROM appraisal.in_force(key, p.plan ->> 'name', 'agent', card.of ->> 'subject', 9223372036854775807) AS e
				WHERE closing_no IS NOT NULL AND e.kind = 'exclude' AND coalesce(e.indicator, i.of ->> 'name') = i.of ->> 'name'
			) AS excluded
		FROM jsonb_array_elements(plans) AS plan (of)
		JOIN appraisal.plans_of(revision, cycle) AS p ON p.plan ->> 'name' = plan.of ->> 'name'
		CROSS JOIN LATERAL jsonb_array_elements(plan.of -> 'cards') AS card (of)
		CROSS JOIN LATERAL (SELECT appraisal.costly_item(card.of) AS item_no) w
		CROSS JOIN LATERAL (SELECT p.plan -> 'indicators' -> (w.item_no - 1) AS of) i
		WHERE card.of ->> 'level' = 'agent' AND w.item_no IS NOT NULL
	), sums AS MATERIALIZED (
		SELECT t.plan_no, t.item_no, t.subject, t.ticket_id, sum(t.above) AS above, sum(t.under) AS under
		FROM appraisal.ticket_sums(source, revision, cycle) AS t
		WHERE t.level = 'agent'
		GROUP BY t.plan_no, t.item_no, t.subject, t.ticket_id
	), placed AS (
		SELECT w.plan, w.subject, s.ticket_id, s.above, CASE WHEN w.is_quotient THEN s.under END AS base,
			row_number() OVER (PARTITION BY w.plan_no, w.subject ORDER BY c.cost DESC, s.ticket_id COLLATE "C") AS place
		FROM worst w
		JOIN sums s ON s.plan_no = w.plan_no AND s.item_no = w.item_no AND s.subject = w.subject
		CROSS JOIN LATERAL (SELECT CASE WHEN w.indicator ->> 'better' = 'up' THEN s.under - s.above ELSE s.above END AS cost) c
		-- A share or a count gets worse only by tickets that cost; a mean by those that are far from the best.
		WHERE s.ticket_id <> ALL (w.excluded) AND (c.cost > 0 OR (w.is_quotient AND w.indicator ->> 'unit' <> 'percent'))
	)
	SELECT w.plan, w.subject, jsonb_build_object('name', w.indicator ->> 'name', 'tickets', coalesce((
		SELECT jsonb_agg(jsonb_build_object('ticket', p.ticket_id, 'above', p.above, 'base', p.base) ORDER BY p.place)
		FROM placed p
		WHERE p.plan = w.plan AND p.subject = w.subject AND p.place <= 20), '[]'))
	FROM worst w
$body$;
COMMENT ON FUNCTION appraisal.costs(text, integer, jsonb, text, text, jsonb) IS 'Of each agent''s card, the indicator that costs most points, and up to 20 tickets behind it that cost most, without those that an adjustment excludes.';

CREATE FUNCTION appraisal.past_cards(cycle text, up_to date)
RETURNS TABLE (plan text, level text, subject text, document jsonb)
LANGUAGE sql STABLE
AS $body$
	SELECT h.plan, h.level, h.subject, jsonb_agg(jsonb_build_object(
		'key', h.key, 'score', h.score, 'low', h.low, 'high', h.high, 'grade', h.grade) ORDER BY h.first)
	FROM (
		SELECT c.first, l.key, l.plan, l.level, l.subject, l.score, l.low, l.high, l.grade,
			row_number() OVER (PARTITION BY l.plan, l.level, l.subject ORDER BY c.first DESC) AS place
		FROM appraisal.latest_card l
		JOIN appraisal.closing c ON c.closing_no = l.closing_no
		WHERE c.cycle = past_cards.cycle AND c.first < up_to
	) h
	WHERE h.place <= 11
	GROUP BY h.plan, h.level, h.subject
$body$;
COMMENT ON FUNCTION appraisal.past_cards(text, date) IS 'The scores of the last 11 closed periods of a cycle that began before a date, the oldest first. With the period that is shown these are twelve.';

CREATE FUNCTION appraisal.members(closing_no integer, first date, last date, team text) RETURNS jsonb
LANGUAGE sql STABLE
AS $body$
	SELECT coalesce(
		(SELECT to_jsonb(array_agg(DISTINCT r.agent_id ORDER BY r.agent_id))
			FROM appraisal.roster r
			WHERE r.team_id = team AND coalesce(r.since, '-infinity') <= members.last AND coalesce(r.until, 'infinity') >= members.first),
		CASE WHEN closing_no IS NULL
			THEN (SELECT to_jsonb(array_agg(DISTINCT l.agent_id ORDER BY l.agent_id))
				FROM report.ledger l
				WHERE l.day BETWEEN members.first AND members.last AND l.team_id = team AND l.agent_id <> '')
			ELSE (SELECT to_jsonb(array_agg(DISTINCT r.agent_id ORDER BY r.agent_id))
				FROM appraisal.closed_row r
				WHERE r.closing_no = members.closing_no AND r.team_id = team AND r.agent_id <> '')
		END,
		'[]')
$body$;
COMMENT ON FUNCTION appraisal.members(integer, date, date, text) IS 'The agents who belong to a team by the roster in a period; if there are none, those who have rows in the team.';

CREATE FUNCTION appraisal.card_records(key text, plan text, level text, subject text, zone text) RETURNS jsonb
LANGUAGE sql STABLE
AS $body$
	SELECT jsonb_build_object(
		'appeals', (
			SELECT coalesce(jsonb_agg(d.of || jsonb_build_object(
				'filed_at', appraisal.local_time(d.of ->> 'filed_at', zone), 'answer_by', appraisal.local_time(d.of ->> 'answer_by', zone),
				'ended_at', appraisal.local_time(d.of ->> 'ended_at', zone)) ORDER BY a.appeal_no), '[]')
			FROM appraisal.appeal_state a
			CROSS JOIN LATERAL (SELECT appraisal.appeal_document(a) AS of) d
			WHERE a.key = $1 AND a.plan = $2 AND a.agent_id = $4 AND $3 = 'agent'),
		'adjustments', (
			SELECT coalesce(jsonb_agg(jsonb_build_object(
				'adjustment', j.adjustment_no, 'exclude', j.ticket_id, 'indicator', j.indicator, 'points', j.points, 'undo', j.undoes,
				'appeal', j.appeal_no, 'adjusted_at', to_char(j.adjusted_at AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI'),
				'adjusted_by', j.adjusted_by, 'why', j.why, 'undone', j.adjustment_no = ANY (u.numbers)) ORDER BY j.adjustment_no), '[]')
			FROM appraisal.adjustment j
			CROSS JOIN (SELECT appraisal.undone($1, $2, $3, $4, 9223372036854775807) AS numbers) u
			WHERE j.key = $1 AND j.plan = $2 AND j.level = $3 AND j.subject = $4))
$body$;
COMMENT ON FUNCTION appraisal.card_records(text, text, text, text, text) IS 'The appeals against a closed card, and its adjustments.';

CREATE FUNCTION appraisal.looks(agent text, zone text) RETURNS jsonb
LANGUAGE sql STABLE
AS $body$
	SELECT coalesce(jsonb_agg(jsonb_build_object(
		'read_at', to_char(r.read_at AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI'), 'login', r.login, 'role', r.role, 'function', r.function,
		'why', r.why) ORDER BY r.access_no DESC), '[]')
	FROM (SELECT a.* FROM appraisal.access a WHERE a.agent_id = agent ORDER BY a.read_at DESC, a.access_no DESC LIMIT 50) r
$body$;
COMMENT ON FUNCTION appraisal.looks(text, text) IS 'The latest 50 readings of the results of an agent, the latest first.';

CREATE FUNCTION appraisal.cards_about(document jsonb, subject text, agents jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT CASE WHEN subject IS NULL THEN document ELSE document || jsonb_build_object('plans', (
		SELECT coalesce(jsonb_agg(p.of || jsonb_build_object('cards', (
			SELECT coalesce(jsonb_agg(c.of ORDER BY c.no), '[]')
			FROM jsonb_array_elements(p.of -> 'cards') WITH ORDINALITY AS c (of, no)
			WHERE c.of ->> 'subject' = subject OR (c.of ->> 'level' = 'agent' AND agents ? (c.of ->> 'subject')))) ORDER BY p.no), '[]')
		FROM jsonb_array_elements(document -> 'plans') WITH ORDINALITY AS p (of, no)))
	END
$body$;
COMMENT ON FUNCTION appraisal.cards_about(jsonb, text, jsonb) IS 'A document with only the cards of a subject and of some agents; subject NULL: as it is.';

CREATE FUNCTION appraisal.report(key text, plan_file jsonb DEFAULT NULL, subject text DEFAULT NULL, why text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
SET jit = off
SET work_mem = '64MB'
AS $body$
DECLARE
	reader appraisal.reader := appraisal.reader();
	period appraisal.period := appraisal.period_of(key);
	c appraisal.closing;
	revision jsonb;
	whole jsonb;
	shown jsonb;
	zone text;
	source text;
BEGIN
	PERFORM appraisal.refuse_plan_file(reader, plan_file);
	-- No closing and no adjustment comes between the questions.
	LOCK TABLE appraisal.closing IN SHARE MODE;
	IF plan_file IS NULL THEN
		SELECT o.* INTO c FROM appraisal.closing o WHERE o.key = $1 ORDER BY o.version DESC LIMIT 1;
	END IF;
	IF c.closing_no IS NULL THEN
		whole := appraisal.preview_of(key, plan_file);
		revision := (SELECT r.document FROM appraisal.revision_for(period, plan_file) AS r);
		source := appraisal.source_sql(revision, period.cycle, period.first, period.last, true);
	ELSE
		whole := appraisal.closed_of(key);
		revision := (SELECT p.json::jsonb FROM appraisal.plan_revision p WHERE p.revision_no = c.revision_no);
		source := appraisal.closed_source_sql(c.closing_no, revision, period.cycle, true,
			CASE WHEN subject IS NULL THEN 'true' ELSE format('r.agent_id = %L', subject) END);
	END IF;
	zone := whole ->> 'time_zone';
	-- The page of a team compares its agents, so their cards come with it.
	shown := appraisal.cards_about(appraisal.shown_to(reader, whole), subject,
		CASE WHEN subject IS NOT NULL THEN appraisal.members(c.closing_no, period.first, period.last, subject) END);
	PERFORM appraisal.record_access(reader, 'appraisal.report', key, appraisal.agents_in(shown), why);
	RETURN shown - 'adjustments' || jsonb_build_object(
		'as_of', appraisal.local_time(whole ->> 'as_of', zone),
		'closed_at', appraisal.local_time(whole ->> 'closed_at', zone),
		'plans', (
			SELECT coalesce(jsonb_agg(plan.of - 'reference' || jsonb_build_object(
				'peers', appraisal.peers(plan.of -> 'rules', everybody.of -> 'cards'),
				'grades', (
					SELECT jsonb_agg(jsonb_build_object('name', g.name, 'at_least', g.at_least) ORDER BY g.grade_no)
					FROM appraisal.grades_of(plan.of -> 'rules') AS g),
				'cards', coalesce(k.cards, '[]')) ORDER BY plan.no), '[]')
			FROM jsonb_array_elements(shown -> 'plans') WITH ORDINALITY AS plan (of, no)
			JOIN jsonb_array_elements(whole -> 'plans') WITH ORDINALITY AS everybody (of, no) ON everybody.no = plan.no
			LEFT JOIN (
				SELECT o.no AS plan_no, jsonb_agg(card.of || jsonb_build_object(
					'next', appraisal.next_grade(o.of -> 'rules', card.of), 'past', coalesce(past.document, '[]'), 'cost', cost.document,
					'members', CASE WHEN card.of ->> 'level' = 'team'
						THEN (
							SELECT coalesce(jsonb_agg(m.agent ORDER BY m.no), '[]')
							FROM jsonb_array_elements_text(
								appraisal.members(c.closing_no, period.first, period.last, card.of ->> 'subject')) WITH ORDINALITY AS m (agent, no)
							WHERE appraisal.may_see(reader, 'agent', m.agent)) END,
					'looks', CASE WHEN card.of ->> 'level' = 'agent' THEN appraisal.looks(card.of ->> 'subject', zone) END,
					'made_at', appraisal.local_time(card.of ->> 'made_at', zone), 'final_at', appraisal.local_time(card.of ->> 'final_at', zone),
					'appeal_until', to_char(((card.of ->> 'made_at')::timestamp
						+ appraisal.within(o.of -> 'rules', 'appeal_within', 604800)) AT TIME ZONE 'UTC' AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI'))
					|| CASE WHEN c.closing_no IS NULL THEN '{}' ELSE appraisal.card_records(
						report.key, o.of ->> 'name', card.of ->> 'level', card.of ->> 'subject', zone) END
					ORDER BY card.no) AS cards
				FROM jsonb_array_elements(shown -> 'plans') WITH ORDINALITY AS o (of, no)
				CROSS JOIN LATERAL jsonb_array_elements(o.of -> 'cards') WITH ORDINALITY AS card (of, no)
				LEFT JOIN appraisal.past_cards(period.cycle, period.first) AS past
					ON past.plan = o.of ->> 'name' AND past.level = card.of ->> 'level' AND past.subject = card.of ->> 'subject'
				LEFT JOIN appraisal.costs(report.key, c.closing_no, revision, period.cycle, source, shown -> 'plans') AS cost
					ON cost.plan = o.of ->> 'name' AND cost.subject = card.of ->> 'subject' AND card.of ->> 'level' = 'agent'
				GROUP BY o.no
			) k ON k.plan_no = plan.no
		));
END
$body$;
COMMENT ON FUNCTION appraisal.report(text, jsonb, text, text) IS 'The cards of a period that the caller may see, with everything that their pages show: as closed, or, if the period is not closed or a plan file is tried, as they would be now. subject: only its cards, and for a team those of its agents. Stores only the access record.';

REVOKE ALL ON ALL ROUTINES IN SCHEMA appraisal FROM PUBLIC;
GRANT EXECUTE ON FUNCTION appraisal.report(text, jsonb, text, text) TO kpid_hr, kpid_lead;
