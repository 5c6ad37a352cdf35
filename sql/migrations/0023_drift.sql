-- How far later facts have moved a closed period (rule Z4), and what is shown of it.

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

REVOKE ALL ON ALL ROUTINES IN SCHEMA appraisal FROM PUBLIC;
