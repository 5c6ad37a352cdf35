-- After closing: adjustments, which make new versions of cards, restatements, manual entries, and the check of what is stored (rules Z and R5).

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

REVOKE ALL ON ALL ROUTINES IN SCHEMA appraisal FROM PUBLIC;
