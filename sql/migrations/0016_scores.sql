-- From the sums of an appraisal to its cards (rules R, J, Q and G of docs/appraisal.md). Everything is numeric: there is no
-- floating point. The stages pass arrays of rows to each other: facts, pools, results, cards.

CREATE TYPE appraisal.pool AS (
	plan_no integer,
	item_no integer,
	stratum text[],
	pool text[],
	above numeric,
	under numeric,
	all_above numeric,
	all_under numeric
);
COMMENT ON TYPE appraisal.pool IS 'The reference of one stratum (rule J2): the sums of the pool that it belongs to, and of everything.';

CREATE TYPE appraisal.rule AS (
	plan_no integer,
	item_no integer,
	name text,
	dimension text,
	is_manual boolean,
	is_quotient boolean,
	unit text,
	is_up boolean,
	weight numeric,
	min_n numeric,
	kind text,
	zero numeric,
	"full" numeric,
	bounds numeric[],
	points numeric[],
	otherwise numeric,
	starts numeric,
	each numeric,
	less numeric,
	is_whole boolean,
	beyond numeric,
	floor numeric,
	limit_beyond numeric,
	limit_grade_no bigint
);
COMMENT ON TYPE appraisal.rule IS 'An indicator of a plan, with its numbers read.';

CREATE TYPE appraisal.result AS (
	plan_no integer,
	level text,
	subject text,
	item_no integer,
	dimension text,
	above numeric,
	under numeric,
	n numeric,
	value numeric,
	expected numeric,
	adjusted numeric,
	status text,
	points numeric,
	weight numeric,
	low numeric,
	high numeric,
	fall numeric,
	rise numeric,
	limit_grade_no bigint
);
COMMENT ON TYPE appraisal.result IS 'An indicator of a card. limit_grade_no: the best grade that it leaves, by number; NULL: its limit does not hold.';

CREATE TYPE appraisal.card AS (
	plan_no integer,
	level text,
	subject text,
	status text,
	weight numeric,
	base_score numeric,
	score numeric,
	low numeric,
	high numeric,
	grade_no bigint,
	rank bigint,
	best bigint,
	worst bigint,
	n_ranked bigint
);
COMMENT ON TYPE appraisal.card IS 'The score of one agent, team or project. base_score is S0 of rule R4, score is S of R5.';

-- ---- rules ----

CREATE FUNCTION appraisal.grades_of(plan jsonb)
RETURNS TABLE (grade_no bigint, name text, at_least numeric, coefficient numeric)
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT g.no, g.grade ->> 'name', appraisal.number(g.grade -> 'at_least'), appraisal.number(g.grade -> 'coefficient')
	FROM jsonb_array_elements(plan -> 'grades') WITH ORDINALITY AS g (grade, no)
$body$;
COMMENT ON FUNCTION appraisal.grades_of(jsonb) IS 'The grades of a plan, the best one first.';

CREATE FUNCTION appraisal.rules_of(revision jsonb, cycle text) RETURNS SETOF appraisal.rule
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT
		p.plan_no,
		i.no::integer,
		i.indicator ->> 'name',
		i.indicator ->> 'dimension',
		i.indicator ->> 'value' = 'manual',
		i.indicator ->> 'value' <> 'manual' AND appraisal.has_under(i.indicator ->> 'value'),
		i.indicator ->> 'unit',
		i.indicator ->> 'better' = 'up',
		appraisal.number(i.indicator -> 'weight'),
		coalesce(appraisal.number(i.indicator -> 'min_n'), appraisal.number(p.plan -> 'min_n'), 30),
		s.kind,
		appraisal.number(s.rule -> 'zero'),
		appraisal.number(s.rule -> 'full'),
		ARRAY(
			SELECT appraisal.number(coalesce(step.step -> 'at_least', step.step -> 'at_most'))
			FROM jsonb_array_elements(s.rule -> 'steps') WITH ORDINALITY AS step (step, no)
			ORDER BY step.no
		),
		ARRAY(
			SELECT appraisal.number(step.step -> 'points')
			FROM jsonb_array_elements(s.rule -> 'steps') WITH ORDINALITY AS step (step, no)
			ORDER BY step.no
		),
		coalesce(appraisal.number(s.rule -> 'else'), 0),
		appraisal.number(s.rule -> 'from'),
		appraisal.number(s.rule -> 'each'),
		appraisal.number(s.rule -> 'less'),
		coalesce(s.rule ->> 'count', 'started') = 'whole',
		appraisal.number(s.rule -> 'beyond'),
		coalesce(appraisal.number(s.rule -> 'floor'), 0),
		appraisal.number(i.indicator -> 'limit' -> 'beyond'),
		(SELECT g.grade_no FROM appraisal.grades_of(p.plan) AS g WHERE g.name = i.indicator -> 'limit' ->> 'grade')
	FROM appraisal.plans_of(revision, cycle) AS p
	CROSS JOIN LATERAL jsonb_array_elements(p.plan -> 'indicators') WITH ORDINALITY AS i (indicator, no)
	CROSS JOIN LATERAL jsonb_each(i.indicator -> 'score') AS s (kind, rule)
$body$;
COMMENT ON FUNCTION appraisal.rules_of(jsonb, text) IS 'The indicators of the plans of a cycle.';

CREATE FUNCTION appraisal.points(v numeric, r appraisal.rule) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	u numeric;
	x numeric;
BEGIN
	IF v IS NULL THEN
		RETURN NULL;
	ELSIF r.kind = 'linear' THEN
		x := r.weight * appraisal.clipped(appraisal.quotient(v - r.zero, r."full" - r.zero));
	ELSIF r.kind = 'step' THEN
		x := r.otherwise;
		FOR i IN 1 .. cardinality(r.bounds) LOOP
			IF (r.is_up AND v >= r.bounds[i]) OR (NOT r.is_up AND v <= r.bounds[i]) THEN
				x := r.points[i];
				EXIT;
			END IF;
		END LOOP;
	ELSIF (r.is_up AND v < r.beyond) OR (NOT r.is_up AND v > r.beyond) THEN
		x := r.floor;
	ELSE
		u := appraisal.quotient(greatest(CASE WHEN r.is_up THEN r.starts - v ELSE v - r.starts END, 0), r.each);
		x := greatest(r.floor, r.weight - r.less * CASE WHEN r.is_whole THEN floor(u) ELSE ceil(u) END);
	END IF;
	RETURN appraisal.rounded(x, 4);
END
$body$;
COMMENT ON FUNCTION appraisal.points(numeric, appraisal.rule) IS 'The points of a value (rule R3).';

-- ---- the reference of the case mix ----

CREATE FUNCTION appraisal.pools(facts appraisal.fact[]) RETURNS SETOF appraisal.pool
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	remaining appraisal.fact[] := ARRAY(
		SELECT f
		FROM unnest(facts) AS f
		WHERE f.kind = 'adjusted' AND f.level = 'agent'
	);
	found appraisal.pool[];
	depth integer := (SELECT max(cardinality(f.stratum)) FROM unnest(remaining) AS f);
BEGIN
	WHILE depth >= 0 LOOP
		found := ARRAY(
			SELECT ROW(f.plan_no, f.item_no, NULL, f.stratum[1:depth], sum(f.above), sum(f.under), NULL, NULL)::appraisal.pool
			FROM unnest(remaining) AS f
			WHERE cardinality(f.stratum) >= depth
			GROUP BY f.plan_no, f.item_no, f.stratum[1:depth]
			HAVING depth = 0
				OR sum(f.under) >= 30 AND count(DISTINCT f.subject) FILTER (WHERE f.under > 0 AND f.subject <> '') >= 3
		);
		RETURN QUERY
			SELECT f.plan_no, f.item_no, f.stratum, p.pool, p.above, p.under, a.above, a.under
			FROM unnest(found) AS p
			JOIN (
				SELECT DISTINCT r.plan_no, r.item_no, r.stratum
				FROM unnest(remaining) AS r
				WHERE cardinality(r.stratum) >= depth
			) f ON f.plan_no = p.plan_no AND f.item_no = p.item_no AND f.stratum[1:depth] = p.pool
			JOIN (
				SELECT e.plan_no, e.item_no, sum(e.above) AS above, sum(e.under) AS under
				FROM unnest(facts) AS e
				WHERE e.kind = 'adjusted' AND e.level = 'agent'
				GROUP BY e.plan_no, e.item_no
			) a ON a.plan_no = p.plan_no AND a.item_no = p.item_no;
		remaining := ARRAY(
			SELECT f
			FROM unnest(remaining) AS f
			LEFT JOIN unnest(found) AS p
				ON p.plan_no = f.plan_no AND p.item_no = f.item_no AND p.pool = f.stratum[1:depth] AND cardinality(f.stratum) >= depth
			WHERE p.plan_no IS NULL
		);
		depth := depth - 1;
	END LOOP;
END
$body$;
COMMENT ON FUNCTION appraisal.pools(appraisal.fact[]) IS 'The reference of the case mix (rule J2): one row per stratum, with the sums of its pool.';

-- ---- results ----

CREATE FUNCTION appraisal.sums(facts appraisal.fact[], pools appraisal.pool[])
RETURNS TABLE (
	plan_no integer, item_no integer, level text, subject text, above numeric, under numeric, tickets numeric,
	expected_sum numeric, all_rate numeric)
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT
		f.plan_no,
		f.item_no,
		f.level,
		f.subject,
		sum(f.above) FILTER (WHERE f.kind <> 'tickets'),
		sum(f.under) FILTER (WHERE f.kind <> 'tickets'),
		sum(f.above) FILTER (WHERE f.kind = 'tickets'),
		sum(CASE WHEN f.under <> 0 THEN f.under * coalesce(appraisal.quotient(p.above, p.under), appraisal.quotient(p.all_above, p.all_under)) END),
		max(appraisal.quotient(p.all_above, p.all_under))
	FROM unnest(facts) AS f
	LEFT JOIN unnest(pools) AS p ON p.plan_no = f.plan_no AND p.item_no = f.item_no AND p.stratum = f.stratum
	WHERE f.kind IN ('indicator', 'adjusted', 'tickets', 'manual')
	GROUP BY f.plan_no, f.item_no, f.level, f.subject
$body$;
COMMENT ON FUNCTION appraisal.sums(appraisal.fact[], appraisal.pool[]) IS 'The sums of each indicator of each card, with what the reference expects above.';

CREATE FUNCTION appraisal.results(revision jsonb, cycle text, facts appraisal.fact[], pools appraisal.pool[])
RETURNS SETOF appraisal.result
LANGUAGE sql IMMUTABLE
AS $body$
	-- Materialized, and OFFSET 0 below: each step is computed once, and not again wherever the next ones name it.
	WITH rules AS MATERIALIZED (
		SELECT u, u.plan_no, u.item_no
		FROM appraisal.rules_of(revision, cycle) AS u
	)
	SELECT
		c.plan_no, c.level, c.subject, u.item_no, u.dimension, s.above, s.under, v.n, v.value, v.expected, v.adjusted, q.status, q.points, u.weight,
		w.wilson[1],
		w.wilson[2],
		coalesce(greatest(q.points - least(b.at_low, b.at_high), 0), 0),
		coalesce(greatest(greatest(b.at_low, b.at_high) - q.points, 0), 0),
		CASE WHEN v.n >= 1 AND CASE WHEN u.is_up THEN v.judged < u.limit_beyond ELSE v.judged > u.limit_beyond END THEN u.limit_grade_no END
	FROM (
		SELECT DISTINCT f.plan_no, f.level, f.subject
		FROM unnest(facts) AS f
		WHERE f.kind IN ('card', 'manual')
	) c
	JOIN appraisal.plans_of(revision, cycle) AS p ON p.plan_no = c.plan_no AND coalesce(p.plan -> 'levels', '["agent"]') ? c.level
	JOIN rules ON rules.plan_no = c.plan_no
	CROSS JOIN LATERAL (SELECT (rules.u).*) u
	LEFT JOIN appraisal.sums(facts, pools) AS s
		ON s.plan_no = c.plan_no AND s.level = c.level AND s.subject = c.subject AND s.item_no = rules.item_no
	CROSS JOIN LATERAL (
		SELECT
			coalesce(CASE WHEN u.is_quotient OR u.is_manual THEN s.under ELSE s.tickets END, 0) AS n,
			CASE WHEN u.is_quotient OR u.is_manual THEN appraisal.quotient(s.above, s.under) ELSE coalesce(s.above, 0) END AS exact,
			appraisal.quotient(s.expected_sum, s.under) AS exact_expected
		OFFSET 0
	) x
	CROSS JOIN LATERAL (
		SELECT
			x.n,
			appraisal.rounded(x.exact, 6) AS value,
			appraisal.rounded(x.exact_expected, 6) AS expected,
			appraisal.rounded(CASE u.unit WHEN 'percent' THEN appraisal.clipped(a.exact) ELSE a.exact END, 6) AS adjusted,
			coalesce(
				appraisal.rounded(CASE u.unit WHEN 'percent' THEN appraisal.clipped(a.exact) ELSE a.exact END, 6),
				appraisal.rounded(x.exact, 6)) AS judged
		FROM (SELECT x.exact - x.exact_expected + s.all_rate AS exact) a
		OFFSET 0
	) v
	CROSS JOIN LATERAL (
		SELECT
			CASE WHEN v.n = 0 THEN 'no_data' WHEN v.n < u.min_n THEN 'insufficient' ELSE 'scored' END AS status,
			CASE WHEN v.n <> 0 AND v.n >= u.min_n THEN appraisal.points(v.judged, rules.u) END AS points
		OFFSET 0
	) q
	CROSS JOIN LATERAL (
		SELECT CASE WHEN u.unit = 'percent' AND u.is_quotient THEN appraisal.wilson(s.above, s.under) END AS wilson
		OFFSET 0
	) w
	CROSS JOIN LATERAL (
		SELECT
			CASE WHEN q.points IS NOT NULL THEN appraisal.points(appraisal.clipped(w.wilson[1] + v.judged - v.value), rules.u) END AS at_low,
			CASE WHEN q.points IS NOT NULL THEN appraisal.points(appraisal.clipped(w.wilson[2] + v.judged - v.value), rules.u) END AS at_high
		OFFSET 0
	) b
$body$;
COMMENT ON FUNCTION appraisal.results(jsonb, text, appraisal.fact[], appraisal.pool[]) IS 'The indicators of all cards (rules R1 to R3, J1, J2, and the changes of points of J3).';

-- ---- cards ----

CREATE FUNCTION appraisal.cards(revision jsonb, cycle text, results appraisal.result[]) RETURNS SETOF appraisal.card
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
			round(100 * appraisal.clipped(q.base_score * 0.01), 2) AS score,
			round(100 * appraisal.clipped(appraisal.rounded(q.base_score - appraisal.quotient(100 * s.fall, s.weight), 2) * 0.01), 2) AS low,
			round(100 * appraisal.clipped(appraisal.rounded(q.base_score + appraisal.quotient(100 * s.rise, s.weight), 2) * 0.01), 2) AS high
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
COMMENT ON FUNCTION appraisal.cards(jsonb, text, appraisal.result[]) IS 'Scores, their intervals, grades and ranks (rules R4, R6 to R8, J3), without points by hand.';

CREATE FUNCTION appraisal.flags(revision jsonb, cycle text, facts appraisal.fact[])
RETURNS TABLE (plan_no integer, subject text, item_no integer, name text, x numeric, n numeric, others_x numeric, others_n numeric, low numeric, is_raised boolean)
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT
		f.plan_no, f.subject, f.item_no, g.flag ->> 'name', f.above, f.under, o.x - f.above, o.n - f.under, w.wilson[1],
		coalesce(f.under > 0 AND f.above >= appraisal.number(g.flag -> 'min_count') AND o.n - f.under >= 30
			AND w.wilson[1] * (o.n - f.under) > o.x - f.above, false)
	FROM unnest(facts) AS f
	JOIN (
		SELECT e.plan_no, e.item_no, sum(e.above) AS x, sum(e.under) AS n
		FROM unnest(facts) AS e
		WHERE e.kind = 'flag'
		GROUP BY e.plan_no, e.item_no
	) o ON o.plan_no = f.plan_no AND o.item_no = f.item_no
	JOIN (
		SELECT p.plan_no, i.no, i.flag
		FROM appraisal.plans_of(revision, cycle) AS p
		CROSS JOIN LATERAL jsonb_array_elements(p.plan -> 'flags') WITH ORDINALITY AS i (flag, no)
	) g ON g.plan_no = f.plan_no AND g.no = f.item_no
	CROSS JOIN LATERAL (SELECT appraisal.wilson(f.above, f.under) AS wilson) w
	WHERE f.kind = 'flag'
$body$;
COMMENT ON FUNCTION appraisal.flags(jsonb, text, appraisal.fact[]) IS 'Each agent compared with the others of his plan (rule G1).';

-- ---- the preview, as one document ----

CREATE FUNCTION appraisal.card_documents(
	revision jsonb, cycle text, facts appraisal.fact[], results appraisal.result[], cards appraisal.card[])
RETURNS TABLE (plan_no integer, document jsonb)
LANGUAGE sql IMMUTABLE
AS $body$
	WITH indicators AS (
		SELECT
			r.plan_no, r.level, r.subject,
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
		'level', c.level, 'subject', c.subject, 'status', c.status, 'weight', c.weight, 'base_score', c.base_score, 'score', c.score,
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
COMMENT ON FUNCTION appraisal.card_documents(jsonb, text, appraisal.fact[], appraisal.result[], appraisal.card[]) IS 'The cards of each plan, with everything that they show.';

CREATE FUNCTION appraisal.reference_documents(revision jsonb, cycle text, pools appraisal.pool[])
RETURNS TABLE (plan_no integer, document jsonb)
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT u.plan_no, jsonb_agg(jsonb_build_object(
		'indicator', u.name, 'above', r.all_above, 'base', r.all_under, 'rate', appraisal.rounded(appraisal.quotient(r.all_above, r.all_under), 6),
		'pools', r.list) ORDER BY u.item_no)
	FROM appraisal.rules_of(revision, cycle) AS u
	JOIN (
		SELECT p.plan_no, p.item_no, max(p.all_above) AS all_above, max(p.all_under) AS all_under, jsonb_agg(jsonb_build_object(
			'pool', to_jsonb(p.pool), 'strata', p.strata, 'above', p.above, 'base', p.under,
			'rate', appraisal.rounded(appraisal.quotient(p.above, p.under), 6)) ORDER BY cardinality(p.pool) DESC, p.pool COLLATE "C") AS list
		FROM (
			SELECT
				s.plan_no, s.item_no, s.pool, s.above, s.under, s.all_above, s.all_under,
				jsonb_agg(to_jsonb(s.stratum) ORDER BY s.stratum COLLATE "C") AS strata
			FROM unnest(pools) AS s
			GROUP BY s.plan_no, s.item_no, s.pool, s.above, s.under, s.all_above, s.all_under
		) p
		GROUP BY p.plan_no, p.item_no
	) r ON r.plan_no = u.plan_no AND r.item_no = u.item_no
	GROUP BY u.plan_no
$body$;
COMMENT ON FUNCTION appraisal.reference_documents(jsonb, text, appraisal.pool[]) IS 'The reference rates of each plan (rule J2).';

CREATE FUNCTION appraisal.revision_for(period appraisal.period, plan_file jsonb)
RETURNS TABLE (document jsonb, stored_at timestamptz, sha256 text)
LANGUAGE plpgsql STABLE
AS $body$
BEGIN
	RETURN QUERY
		SELECT f.revision, NULL::timestamptz, NULL::text
		FROM jsonb_array_elements(plan_file -> 'revisions') AS f (revision)
		WHERE coalesce((f.revision ->> 'effective_from')::timestamptz, '-infinity') <= period.decides_at
		ORDER BY coalesce((f.revision ->> 'effective_from')::timestamptz, '-infinity') DESC
		LIMIT 1;
	IF plan_file IS NULL THEN
		RETURN QUERY
			SELECT r.json::jsonb, r.stored_at, encode(r.sha256, 'hex')
			FROM appraisal.plan_revision r
			WHERE r.effective_from <= period.decides_at
			ORDER BY r.effective_from DESC
			LIMIT 1;
	END IF;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format(
			'no plan was in force when %s began; store one with kpid appraisal apply, or name a file with --plan', period.key);
	END IF;
END
$body$;
COMMENT ON FUNCTION appraisal.revision_for(appraisal.period, jsonb) IS 'The revision that appraises a period (C5), of the plan file or, without one, of those that are stored.';

CREATE FUNCTION appraisal.preview(key text, plan_file jsonb DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
SET jit = off
SET work_mem = '64MB'
AS $body$
DECLARE
	period appraisal.period := appraisal.period_of(key);
	revision jsonb;
	stored record;
	facts appraisal.fact[];
	pools appraisal.pool[];
	results appraisal.result[];
	cards appraisal.card[];
BEGIN
	SELECT r.document, r.stored_at, r.sha256 INTO stored FROM appraisal.revision_for(period, plan_file) AS r;
	revision := stored.document;
	facts := ARRAY(
		SELECT f FROM appraisal.facts(revision, period.cycle, period.first, period.last) AS f
		UNION ALL
		SELECT m FROM appraisal.manual_facts(key, revision, period.cycle) AS m
	);
	pools := ARRAY(SELECT p FROM appraisal.pools(facts) AS p);
	results := ARRAY(SELECT r FROM appraisal.results(revision, period.cycle, facts, pools) AS r);
	cards := ARRAY(SELECT c FROM appraisal.cards(revision, period.cycle, results) AS c);
	RETURN jsonb_build_object(
		'key', key, 'cycle', period.cycle, 'first', period.first, 'last', period.last,
		'begins_at', period.begins_at AT TIME ZONE 'UTC', 'ends_at', period.ends_at AT TIME ZONE 'UTC',
		'as_of', period.as_of AT TIME ZONE 'UTC', 'time_zone', period.time_zone,
		'state', CASE WHEN period.as_of < period.ends_at THEN 'open' ELSE 'settling' END,
		'revision', revision ->> 'id', 'sha256', stored.sha256, 'announced_late', coalesce(stored.stored_at > period.begins_at, false),
		'plans', (
			SELECT coalesce(jsonb_agg(jsonb_build_object(
				'name', p.plan ->> 'name', 'rules', p.plan, 'cards', coalesce(c.document, '[]'),
				'reference', coalesce(r.document, '[]')) ORDER BY p.plan_no), '[]')
			FROM appraisal.plans_of(revision, period.cycle) AS p
			LEFT JOIN appraisal.card_documents(revision, period.cycle, facts, results, cards) AS c ON c.plan_no = p.plan_no
			LEFT JOIN appraisal.reference_documents(revision, period.cycle, pools) AS r ON r.plan_no = p.plan_no
		));
END
$body$;
COMMENT ON FUNCTION appraisal.preview(text, jsonb) IS 'All cards of a period, from the ledger as it is now, by the stored plans or by a plan file that is tried. Stores nothing.';

CREATE FUNCTION appraisal.tickets(key text, plan text, level text, subject text, item text, plan_file jsonb DEFAULT NULL)
RETURNS TABLE (ticket_id text, above numeric, under numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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
		p.plan_no, CASE WHEN tickets.level IN ('agent', 'team', 'project') THEN tickets.level || '_id' END, subject, appraisal.match_sql('c', i.item -> 'where'))
	INTO choice
	FROM appraisal.plans_of(revision, period.cycle) AS p
	CROSS JOIN LATERAL jsonb_array_elements((p.plan -> 'indicators') || coalesce(p.plan -> 'flags', '[]')) AS i (item)
	WHERE p.plan ->> 'name' = tickets.plan AND i.item ->> 'name' = tickets.item AND i.item ->> 'value' IS DISTINCT FROM 'manual';
	IF choice IS NOT NULL THEN
		RETURN QUERY EXECUTE appraisal.source_sql(revision, period.cycle, period.first, period.last, true) || choice;
	END IF;
END
$body$;
COMMENT ON FUNCTION appraisal.tickets(text, text, text, text, text, jsonb) IS 'The tickets behind an indicator or a flag of a card: what each adds above and under the /. A flag''s evidence (rule G2) is those with above > 0.';

REVOKE ALL ON ALL ROUTINES IN SCHEMA appraisal FROM PUBLIC;
GRANT EXECUTE ON FUNCTION appraisal.preview(text, jsonb), appraisal.tickets(text, text, text, text, text, jsonb) TO kpid_hr;
