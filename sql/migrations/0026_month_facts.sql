-- The facts of cards (rules R and I4) from the sums per month. Rows of the ledger are read only where sums do not do: days outside of
-- whole months, agents whose role changes within a month, and numbers of tickets of a period that is not one month. Sums are added up
-- as they are stored, in whole microseconds and millionths; the few results are scaled.

CREATE FUNCTION appraisal.raw_columns(names text[])
RETURNS TABLE (name text, raw text, scale text)
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT m.name, m.raw, m.scale
	FROM (
		VALUES
			{{measures 28: ('{public}', '{column}', '{scale}')}},
			{{ledger 13: ('{public}', '{column}', '{scale}')}}
	) AS m (name, raw, scale)
	WHERE m.name = ANY (names)
$body$;
COMMENT ON FUNCTION appraisal.raw_columns(text[]) IS 'The columns of kpid.ledger behind those of report.ledger, and the factor between them.';

-- ---- numbers of tickets ----

CREATE FUNCTION appraisal.value_sql(plan_no integer, item_no integer, indicator jsonb, levels text, dimensions text[]) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT format('SELECT %s, %L::text, %s, v.level, v.subject, %s, sum(%s)::numeric, sum(%s)::numeric'
		' FROM cells c CROSS JOIN LATERAL (VALUES %s) AS v (level, subject)'
		' WHERE c.plan_no = %1$s AND %8$s AND (v.level = ''agent'' OR v.subject <> '''') GROUP BY v.level, v.subject, 6',
		plan_no, CASE WHEN indicator ? 'adjust' THEN 'adjusted' ELSE 'indicator' END, item_no,
		CASE WHEN indicator ? 'adjust' THEN appraisal.strata_sql(indicator -> 'adjust') ELSE '''{}''::text[]' END,
		appraisal.sum_sql(indicator ->> 'value', false, dimensions), appraisal.sum_sql(indicator ->> 'value', true, dimensions),
		levels, appraisal.match_sql('c', indicator -> 'where'))
$body$;
COMMENT ON FUNCTION appraisal.value_sql(integer, integer, jsonb, text, text[]) IS 'A query: the sums of one indicator, over the cells.';

CREATE FUNCTION appraisal.tickets_sql(plan_no integer, item_no integer, indicator jsonb, levels text, source text) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT format('SELECT %s, ''tickets''::text, %s, x.level, x.subject, ''{}''::text[], count(*)::numeric, 0::numeric'
		' FROM (SELECT DISTINCT v.level, v.subject, c.ticket_id FROM %s c CROSS JOIN LATERAL (VALUES %s) AS v (level, subject)'
		' WHERE c.plan_no = %1$s AND %5$s AND v.subject <> '''') x GROUP BY x.level, x.subject',
		plan_no, item_no, source, levels, appraisal.match_sql('c', indicator -> 'where'))
$body$;
COMMENT ON FUNCTION appraisal.tickets_sql(integer, integer, jsonb, text, text) IS 'A query: the number of tickets of an indicator without a quotient (rule I4), over rows with their ticket_id.';

CREATE OR REPLACE FUNCTION appraisal.indicator_sql(plan_no integer, item_no integer, indicator jsonb, levels text, dimensions text[]) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT appraisal.value_sql(plan_no, item_no, indicator, levels, dimensions)
		|| CASE WHEN appraisal.has_under(indicator ->> 'value') THEN ''
			ELSE ' UNION ALL ' || appraisal.tickets_sql(plan_no, item_no, indicator, levels, 'taken') END
$body$;

-- ---- the facts of a plan ----

CREATE FUNCTION appraisal.levels_of(plan jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE
AS $body$
	-- Those of agents are always needed: the case mix and the flags compare agents.
	SELECT ARRAY['agent'] || ARRAY(
		SELECT l.name
		FROM unnest(ARRAY['team', 'project']) AS l (name)
		WHERE plan -> 'levels' ? l.name
	)
$body$;
COMMENT ON FUNCTION appraisal.levels_of(jsonb) IS 'The levels for which a plan needs sums.';

CREATE FUNCTION appraisal.grouped_sql(levels text[], key text, columns text, source text) RETURNS text
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT format('SELECT CASE %s END AS level, CASE %s END AS subject%s%s FROM %s GROUP BY GROUPING SETS (%s)',
		string_agg(format('WHEN grouping(c.%I) = 0 THEN %L', l.name || '_id', l.name), ' '),
		string_agg(format('WHEN grouping(c.%I) = 0 THEN c.%1$I', l.name || '_id'), ' '),
		key, columns, source,
		string_agg(format('(c.%I%s)', l.name || '_id', key), ', '))
	FROM unnest(levels) AS l (name)
$body$;
COMMENT ON FUNCTION appraisal.grouped_sql(text[], text, text, text) IS 'A query: sums of a source with the alias c per agent, team and project in one pass, and by a key (a comma and columns, or nothing).';

CREATE FUNCTION appraisal.plain_facts_sql(plan_no integer, plan jsonb, dimensions text[], from_sums boolean) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT format('SELECT %s, f.kind, f.item_no, s.level, s.subject, ''{}''::text[], f.above::numeric, f.under::numeric FROM (%s) s'
			' CROSS JOIN LATERAL (VALUES (''card'', 0, 0, 0)%s) AS f (kind, item_no, above, under)'
			' WHERE s.subject <> '''' AND f.above IS NOT NULL AND (f.kind <> ''flag'' OR s.level = ''agent'')',
		plan_no,
		appraisal.grouped_sql(appraisal.levels_of(plan), '', coalesce(string_agg(x.sums, ''), ''), format('cells c WHERE c.plan_no = %s', plan_no)),
		coalesce(string_agg(x.facts, ''), ''))
	FROM (
		SELECT
			format(', sum(%1$s) FILTER (WHERE %3$s) AS a%4$s, sum(%2$s) FILTER (WHERE %3$s) AS u%4$s',
				appraisal.sum_sql(i.of ->> 'value', false, dimensions), appraisal.sum_sql(i.of ->> 'value', true, dimensions),
				appraisal.match_sql('c', i.of -> 'where'), i.no),
			format(', (''indicator'', %1$s, s.a%1$s, s.u%1$s)', i.no)
		FROM jsonb_array_elements(plan -> 'indicators') WITH ORDINALITY AS i (of, no)
		WHERE i.of ->> 'value' <> 'manual' AND NOT i.of ? 'adjust'
		UNION ALL
		SELECT
			format(', sum(c.n_agent) FILTER (WHERE %1$s) AS agent%2$s, sum(c.n_team) FILTER (WHERE %1$s) AS team%2$s,'
				' sum(c.n_project) FILTER (WHERE %1$s) AS project%2$s', appraisal.match_sql('c', i.of -> 'where'), i.no),
			format(', (''tickets'', %1$s, CASE s.level WHEN ''agent'' THEN s.agent%1$s WHEN ''team'' THEN s.team%1$s ELSE s.project%1$s END, 0)', i.no)
		FROM jsonb_array_elements(plan -> 'indicators') WITH ORDINALITY AS i (of, no)
		WHERE from_sums AND i.of ->> 'value' <> 'manual' AND NOT appraisal.has_under(i.of ->> 'value')
		UNION ALL
		SELECT
			format(', sum(%s) AS x%s, sum(%s) AS n%2$s', appraisal.sum_sql(f.flag ->> 'mark', false, dimensions), f.no,
				appraisal.sum_sql(f.flag ->> 'per', false, dimensions)),
			format(', (''flag'', %1$s, s.x%1$s, s.n%1$s)', f.no)
		FROM jsonb_array_elements(plan -> 'flags') WITH ORDINALITY AS f (flag, no)
	) x (sums, facts)
$body$;
COMMENT ON FUNCTION appraisal.plain_facts_sql(integer, jsonb, text[], boolean) IS 'A query: all facts of a plan that need no stratum, in one pass over its cells. from_sums: with the tickets that have one place (kpid.ledger_month).';

CREATE FUNCTION appraisal.adjusted_facts_sql(plan_no integer, item_no integer, indicator jsonb, levels text[], dimensions text[]) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT format('SELECT %s, ''adjusted''::text, %s, s.level, s.subject, s.stratum, s.above, s.under FROM (%s) s'
			' WHERE s.level = ''agent'' OR s.subject <> ''''',
		plan_no, item_no, appraisal.grouped_sql(levels, ', c.stratum', ', sum(c.above)::numeric AS above, sum(c.under)::numeric AS under', format(
			'(SELECT c.agent_id, c.team_id, c.project_id, %s AS stratum, sum(%s) AS above, sum(%s) AS under FROM cells c'
			' WHERE c.plan_no = %s AND %s GROUP BY c.agent_id, c.team_id, c.project_id, stratum) c',
			appraisal.strata_sql(indicator -> 'adjust'), appraisal.sum_sql(indicator ->> 'value', false, dimensions),
			appraisal.sum_sql(indicator ->> 'value', true, dimensions), plan_no, appraisal.match_sql('c', indicator -> 'where'))))
$body$;
COMMENT ON FUNCTION appraisal.adjusted_facts_sql(integer, integer, jsonb, text[], text[]) IS 'A query: the facts of an indicator with a case mix, per stratum.';

CREATE FUNCTION appraisal.item_facts_sql(plan_no integer, levels text[]) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT format('SELECT %s, f.kind, 0, s.level, s.subject, ARRAY[s.dimension], f.above::numeric, f.under::numeric FROM (%s) s'
			' CROSS JOIN LATERAL (VALUES (''perception'', s.perceived, s.answered), (''gap'', s.gap, s.paired)) AS f (kind, above, under)'
			' WHERE s.subject <> ''''',
		plan_no, appraisal.grouped_sql(levels, ', c.dimension', ', sum(c.perceived_sum) AS perceived, sum(c.answered) AS answered, sum(c.gap_sum) AS gap,'
			' sum(c.paired) AS paired', format('items c WHERE c.plan_no = %s', plan_no)))
$body$;
COMMENT ON FUNCTION appraisal.item_facts_sql(integer, text[]) IS 'A query: the facts of the service-quality gaps of a plan.';

CREATE FUNCTION appraisal.reach_sql(plan_no integer, item_no integer, indicator jsonb, levels text[]) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT format('SELECT %1$s, ''tickets''::text, %2$s, x.level, x.subject, ''{}''::text[], sum(x.n), 0::numeric'
			' FROM (SELECT DISTINCT c.no, c.level, c.subject, c.n FROM places c WHERE c.plan_no = %1$s AND %3$s AND c.level = ANY (%4$L::text[])) x'
			' GROUP BY x.level, x.subject'
			' UNION ALL SELECT %1$s, ''tickets''::text, %2$s, ''agent''::text, x.agent_id, ''{}''::text[], count(*)::numeric, 0::numeric'
			' FROM (SELECT DISTINCT c.agent_id, c.ticket_id FROM touched c WHERE c.is_changing AND c.plan_no = %1$s AND %3$s) x'
			' GROUP BY x.agent_id',
			plan_no, item_no, appraisal.match_sql('c', indicator -> 'where'), levels)
		|| CASE WHEN levels = '{agent}' THEN '' ELSE format(' UNION ALL SELECT %1$s, ''tickets''::text, %2$s, x.level, x.subject, ''{}''::text[], count(*)::numeric, 0::numeric'
			' FROM (SELECT v.level, v.subject FROM touched c CROSS JOIN LATERAL (VALUES %4$s) AS v (level, subject)'
			' WHERE c.ticket_id IN (SELECT d.ticket_id FROM decisive d) AND v.subject <> '''' GROUP BY v.level, v.subject, c.ticket_id'
			' HAVING bool_or(c.is_changing AND NOT c.is_for_all) AND bool_or(coalesce(c.plan_no = %1$s, false) AND %3$s)) x'
			' GROUP BY x.level, x.subject',
			plan_no, item_no, appraisal.match_sql('c', indicator -> 'where'),
			(SELECT string_agg(format('(%L, c.%I)', l.name, l.name || '_id'), ', ') FROM unnest(levels) AS l (name) WHERE l.name <> 'agent')) END
$body$;
COMMENT ON FUNCTION appraisal.reach_sql(integer, integer, jsonb, text[]) IS 'A query: the number of tickets of an indicator without a quotient (rule I4) that have several places, or whose places name agents with a role that changes (appraisal.places_sql).';

CREATE FUNCTION appraisal.plan_sql(plan_no integer, plan jsonb, dimensions text[], tickets_from text) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT array_to_string(ARRAY[
			appraisal.plain_facts_sql(plan_no, plan, dimensions, tickets_from = 'places'),
			appraisal.item_facts_sql(plan_no, appraisal.levels_of(plan))
		] || ARRAY(
			SELECT appraisal.adjusted_facts_sql(plan_no, i.no::integer, i.of, appraisal.levels_of(plan), dimensions)
			FROM jsonb_array_elements(plan -> 'indicators') WITH ORDINALITY AS i (of, no)
			WHERE i.of ->> 'value' <> 'manual' AND i.of ? 'adjust'
		) || ARRAY(
			SELECT CASE tickets_from
				WHEN 'places' THEN appraisal.reach_sql(plan_no, i.no::integer, i.of, appraisal.levels_of(plan))
				ELSE appraisal.tickets_sql(plan_no, i.no::integer, i.of,
					(SELECT string_agg(format('(%L, c.%I)', l.name, l.name || '_id'), ', ') FROM unnest(appraisal.levels_of(plan)) AS l (name)),
					tickets_from) END
			FROM jsonb_array_elements(plan -> 'indicators') WITH ORDINALITY AS i (of, no)
			WHERE i.of ->> 'value' <> 'manual' AND NOT appraisal.has_under(i.of ->> 'value')
		), ' UNION ALL ')
$body$;
COMMENT ON FUNCTION appraisal.plan_sql(integer, jsonb, text[], text) IS 'A query: the facts of one plan, over its cells and survey items. tickets_from: where the tickets of rule I4 are counted, places or rows with ticket_id.';

-- ---- cells ----

CREATE FUNCTION appraisal.used_attributes(revision jsonb, cycle text) RETURNS text[]
LANGUAGE sql STABLE
AS $body$
	SELECT ARRAY(
		SELECT DISTINCT split_part(a.name, ':', 1)
		FROM appraisal.plans_of(revision, cycle) AS p
		CROSS JOIN LATERAL jsonb_array_elements(p.plan -> 'indicators') AS i (of)
		CROSS JOIN LATERAL (
			SELECT w.name FROM jsonb_object_keys(i.of -> 'where') AS w (name)
			UNION ALL
			SELECT j.name FROM jsonb_array_elements_text(i.of -> 'adjust') AS j (name)
		) a
	)
$body$;
COMMENT ON FUNCTION appraisal.used_attributes(jsonb, text) IS 'The attributes by which indicators choose rows once a plan has taken them.';

CREATE FUNCTION appraisal.added_up_sql(revision jsonb, cycle text, counted text, surveyed text) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT format('taken AS MATERIALIZED (SELECT %1$s%2$s, sum(s.n_agent) AS n_agent, sum(s.n_team) AS n_team, sum(s.n_project) AS n_project'
			' FROM (%3$s) s WHERE s.plan_no IS NOT NULL GROUP BY %4$s HAVING sum(s.n_rows) <> 0),'
			' items AS MATERIALIZED (SELECT %8$s, s.dimension, sum(s.answered) AS answered, sum(s.perceived_sum) * 0.000001 AS perceived_sum,'
			' sum(s.paired) AS paired, sum(s.gap_sum) * 0.000001 AS gap_sum FROM (SELECT i.*, %5$s AS dimension FROM (%6$s) i) s'
			' WHERE s.plan_no IS NOT NULL GROUP BY %9$s, s.dimension HAVING sum(s.answered) <> 0),'
			' cells AS NOT MATERIALIZED (%7$s) ',
		k.keys,
		(SELECT string_agg(format(', coalesce(sum(s.%I), 0)%s AS %I', r.raw, r.scale, r.name), '' ORDER BY r.name)
			FROM appraisal.raw_columns(n.names) AS r),
		counted, k.grouped, appraisal.dimension_sql(revision -> 'servqual'), surveyed,
		CASE WHEN n.with_items
			THEN appraisal.cells_sql(n.names || '{n_agent,n_team,n_project}'::text[], appraisal.dimensions_of(revision),
				'plan_no, agent_id, project_id, team_id, channel, category, priority')
			ELSE 'SELECT * FROM taken' END,
		CASE WHEN n.with_items THEN k.keys ELSE k.places END,
		CASE WHEN n.with_items THEN k.grouped ELSE k.places END)
	FROM (
		SELECT c.names, EXISTS (SELECT FROM unnest(c.names) AS q (name) WHERE q.name ~ '^q\d+_') AS with_items
		FROM (SELECT appraisal.columns_of(revision, cycle, appraisal.dimensions_of(revision)) AS names) c
	) n
	CROSS JOIN (
		SELECT
			u.places,
			u.places || string_agg(
				CASE WHEN a.name = ANY (u.names) THEN format(', s.%I', a.name) ELSE format(', ''''::text AS %I', a.name) END, '' ORDER BY a.name) AS keys,
			u.places || coalesce(string_agg(format(', s.%I', a.name), '' ORDER BY a.name) FILTER (WHERE a.name = ANY (u.names)), '') AS grouped
		FROM unnest('{channel,category,priority}'::text[]) AS a (name)
		CROSS JOIN (
			SELECT appraisal.used_attributes(revision, cycle) AS names, 's.plan_no, s.agent_id, s.project_id, s.team_id' AS places
		) u
		GROUP BY u.places
	) k
$body$;
COMMENT ON FUNCTION appraisal.added_up_sql(jsonb, text, text, text) IS 'Parts of WITH for appraisal.plan_sql: the sums of rows (taken), of survey items (items) and of both (cells), over two queries with plan_no and columns of kpid.ledger, n_rows, n_agent, n_team and n_project, and of kpid.ledger_item.';

-- ---- which rows the plans take ----

CREATE TYPE appraisal.month AS (
	first date,
	last date,
	changing text[],
	choice text
);
COMMENT ON TYPE appraisal.month IS 'A whole month. changing: the agents that do not have the same plans by the roster on each day of it. choice: an expression for the plan that takes a row of another agent, with the alias l.';

CREATE FUNCTION appraisal.month_choice(revision jsonb, cycle text, agents jsonb) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT 'CASE ' || string_agg(format('WHEN %s%s THEN %s',
		appraisal.match_sql('l', p.plan -> 'match'),
		CASE WHEN p.plan ? 'roles' THEN format(' AND (l.agent_id = '''' OR l.agent_id = ANY (%L::text[])%s)',
			ARRAY(SELECT a.key FROM jsonb_each(agents) AS a WHERE a.value @> to_jsonb(p.plan_no)),
			CASE WHEN p.plan -> 'roles' ? '' THEN format(' OR l.agent_id <> ALL (%L::text[])', ARRAY(SELECT jsonb_object_keys(agents))) ELSE '' END)
			ELSE '' END,
		p.plan_no), ' ' ORDER BY p.plan_no) || ' END'
	FROM appraisal.plans_of(revision, cycle) AS p
$body$;
COMMENT ON FUNCTION appraisal.month_choice(jsonb, text, jsonb) IS 'An expression: the plan that takes a row with the alias l (rule I2), if agents have the same plans on each day. agents: the numbers of these plans, of each agent in the roster.';

CREATE FUNCTION appraisal.months_of(revision jsonb, cycle text, first date, last date) RETURNS SETOF appraisal.month
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	roles text := coalesce(appraisal.roles_sql(revision, cycle, first, last),
		'SELECT NULL::text AS agent_id, NULL::date AS day, NULL::integer[] AS plan_nos WHERE false');
	agents jsonb;
	found appraisal.month;
BEGIN
	FOR found.first, found.last IN
		SELECT m.at::date, (m.at + interval '1 month' - interval '1 day')::date
		FROM generate_series(date_trunc('month', first::timestamp), last::timestamp, '1 month') AS m (at)
		WHERE m.at >= first AND m.at + interval '1 month' - interval '1 day' <= last
		ORDER BY 1
	LOOP
		EXECUTE format('SELECT coalesce(jsonb_object_agg(a.agent_id, a.plan_nos), ''{}''), coalesce(array_agg(a.agent_id) FILTER (WHERE a.is_changing), ''{}'')'
				' FROM (SELECT r.agent_id, min(r.plan_nos) AS plan_nos, count(*) <= $2 - $1 OR min(r.plan_nos) <> max(r.plan_nos) AS is_changing'
				' FROM (%s) r WHERE r.day BETWEEN $1 AND $2 GROUP BY r.agent_id) a', roles)
			INTO agents, found.changing
			USING found.first, found.last;
		found.choice := appraisal.month_choice(revision, cycle, agents);
		RETURN NEXT found;
	END LOOP;
END
$body$;
COMMENT ON FUNCTION appraisal.months_of(jsonb, text, date, date) IS 'The whole months among some days, for which sums per month may do.';

CREATE FUNCTION appraisal.mixed_sql(
	months appraisal.month[], revision jsonb, cycle text, first date, last date, of_month text, of_days text, columns text) RETURNS text
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	m appraisal.month;
	parts text[] := '{}';
	loose text := format('day BETWEEN %L AND %L', first, last);
	loose_days integer := last - first + 1;
BEGIN
	FOREACH m IN ARRAY months LOOP
		parts := parts || format('SELECT %s AS plan_no, l.agent_id, l.project_id, l.team_id, l.channel, l.category, l.priority%s'
			' FROM (%s) l WHERE l.month = %L%s', m.choice, columns, of_month, m.first,
			CASE WHEN m.changing = '{}' THEN '' ELSE format(' AND l.agent_id <> ALL (%L::text[])', m.changing) END);
		IF m.changing <> '{}' THEN
			parts := parts || format('SELECT t.plan_no, t.agent_id, t.project_id, t.team_id, t.channel, t.category, t.priority%s FROM (%s) t',
				replace(columns, ' l.', ' t.'), appraisal.taking_sql(revision, cycle, m.first, m.last, '(' || format(of_days,
					format('day BETWEEN %L AND %L AND agent_id = ANY (%L::text[])', m.first, m.last, m.changing)) || ')', columns));
		END IF;
		loose := loose || format(' AND day NOT BETWEEN %L AND %L', m.first, m.last);
		loose_days := loose_days - (m.last - m.first + 1);
	END LOOP;
	IF loose_days > 0 THEN
		parts := parts || format('SELECT t.plan_no, t.agent_id, t.project_id, t.team_id, t.channel, t.category, t.priority%s FROM (%s) t',
			replace(columns, ' l.', ' t.'),
			appraisal.taking_sql(revision, cycle, first, last, '(' || format(of_days, loose) || ')', columns));
	END IF;
	RETURN array_to_string(parts, ' UNION ALL ');
END
$body$;
COMMENT ON FUNCTION appraisal.mixed_sql(appraisal.month[], jsonb, text, date, date, text, text, text) IS 'A query: what plans take, with plan_no. From a query over months where they do, otherwise from one over days, which has %1$s in place of a condition. columns: of both, each after a comma and with the alias l.';

CREATE FUNCTION appraisal.places_sql(month appraisal.month, revision jsonb, cycle text) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT format('places AS MATERIALIZED (SELECT %1$s AS plan_no, l.* FROM (SELECT r.no, r.level, r.subject, r.n, p.* FROM ('
			'SELECT row_number() OVER () AS no, r.level, r.subject, r.places, r.n FROM kpid.ledger_reach_now r WHERE r.month = %2$L) r'
			' CROSS JOIN LATERAL unnest(r.places) AS p'
			' WHERE NOT EXISTS (SELECT FROM unnest(r.places) AS e WHERE e.agent_id = ANY (%3$L::text[]))) l),'
			' touched AS MATERIALIZED (SELECT t.*, t.agent_id = ANY (%3$L::text[]) AS is_changing, bool_or(t.agent_id = '''') OVER'
			' (PARTITION BY t.ticket_id, t.project_id, t.team_id, t.channel, t.category, t.priority) AS is_for_all FROM (%4$s) t),'
			' decisive AS MATERIALIZED (SELECT DISTINCT t.ticket_id FROM touched t WHERE t.is_changing AND NOT t.is_for_all), ',
		(month).choice, (month).first, (month).changing,
		appraisal.taking_sql(revision, cycle, (month).first, (month).last, '(SELECT * FROM kpid.ledger WHERE ticket_id = ANY ($1))', ''))
$body$;
COMMENT ON FUNCTION appraisal.places_sql(appraisal.month, jsonb, text) IS 'Parts of WITH for appraisal.reach_sql: the places of tickets that have several, and the rows of those tickets ($1) that have rows of agents whose role changes (touched). The latter decide where places name such an agent: always those of the agent, of a team or project only where nobody has no row in the same place (decisive).';

-- ---- facts ----

-- Without sorts, because the estimates of these queries are poor: a hash is faster than the sort that they suggest.

CREATE FUNCTION appraisal.counts_tickets(revision jsonb, cycle text) RETURNS boolean
LANGUAGE sql STABLE
AS $body$
	SELECT EXISTS (
		SELECT
		FROM appraisal.plans_of(revision, cycle) AS p
		CROSS JOIN LATERAL jsonb_array_elements(p.plan -> 'indicators') AS i (of)
		WHERE i.of ->> 'value' <> 'manual' AND NOT appraisal.has_under(i.of ->> 'value')
	)
$body$;
COMMENT ON FUNCTION appraisal.counts_tickets(jsonb, text) IS 'Whether a plan of a cycle has an indicator without a quotient, whose base is a number of tickets.';

CREATE OR REPLACE FUNCTION appraisal.facts(revision jsonb, cycle text, first date, last date) RETURNS SETOF appraisal.fact
LANGUAGE plpgsql STABLE
SET enable_sort = off
AS $body$
DECLARE
	months appraisal.month[];
	is_month boolean;
	sums text := ', l.n_rows, l.n_agent, l.n_team, l.n_project' || coalesce((
		SELECT string_agg(format(', l.%I', r.raw), '' ORDER BY r.raw)
		FROM appraisal.raw_columns(appraisal.columns_of(revision, cycle, appraisal.dimensions_of(revision))) AS r), '');
	items CONSTANT text := ', l.item, l.answered, l.perceived_sum, l.paired, l.gap_sum';
	tickets_sql text := '';
	tickets text[] := '{}';
	parts text;
BEGIN
	IF NOT EXISTS (SELECT FROM appraisal.plans_of(revision, cycle)) THEN
		RETURN;
	END IF;
	months := ARRAY(SELECT m FROM appraisal.months_of(revision, cycle, first, last) AS m);
	is_month := cardinality(months) = 1 AND (months[1]).first = facts.first AND (months[1]).last = facts.last;
	IF appraisal.counts_tickets(revision, cycle) THEN
		IF is_month THEN
			tickets_sql := appraisal.places_sql(months[1], revision, cycle);
			tickets := ARRAY(
				SELECT DISTINCT l.ticket_id
				FROM kpid.ledger l
				WHERE l.agent_id = ANY ((months[1]).changing) AND l.day BETWEEN facts.first AND facts.last
			);
		ELSE
			tickets_sql := format('every AS NOT MATERIALIZED (SELECT * FROM (%s) t WHERE t.plan_no IS NOT NULL), ',
				appraisal.taking_sql(revision, cycle, first, last, 'kpid.ledger', ''));
		END IF;
	END IF;
	SELECT string_agg(appraisal.plan_sql(p.plan_no, p.plan, appraisal.dimensions_of(revision), CASE WHEN is_month THEN 'places' ELSE 'every' END),
		' UNION ALL ')
	INTO parts
	FROM appraisal.plans_of(revision, cycle) AS p;
	RETURN QUERY EXECUTE 'WITH ' || tickets_sql || appraisal.added_up_sql(revision, cycle,
			appraisal.mixed_sql(months, revision, cycle, first, last,
				'SELECT * FROM kpid.ledger_month UNION ALL SELECT * FROM kpid.ledger_month_change',
				'SELECT *, 1 AS n_rows, 0 AS n_agent, 0 AS n_team, 0 AS n_project FROM kpid.ledger WHERE %1$s', sums),
			appraisal.mixed_sql(months, revision, cycle, first, last,
				'SELECT * FROM kpid.ledger_item_month UNION ALL SELECT * FROM kpid.ledger_item_month_change',
				'SELECT i.*, d.channel, d.category, d.priority FROM (SELECT * FROM kpid.ledger_item WHERE %1$s) i'
				' JOIN (SELECT * FROM kpid.ledger WHERE %1$s) d USING (day, ticket_id, agent_id, project_id, team_id)', items)) || parts
		USING tickets;
END
$body$;
COMMENT ON FUNCTION appraisal.facts(jsonb, text, date, date) IS 'The sums of all cards of a cycle, from the ledger of some days.';

CREATE OR REPLACE FUNCTION appraisal.closed_facts(closing_no integer, revision jsonb, cycle text) RETURNS SETOF appraisal.fact
LANGUAGE plpgsql STABLE
SET enable_sort = off
AS $body$
DECLARE
	parts text := (
		SELECT string_agg(appraisal.plan_sql(p.plan_no, p.plan, appraisal.dimensions_of(revision), 'frozen'), ' UNION ALL ')
		FROM appraisal.plans_of(revision, cycle) AS p
	);
BEGIN
	RETURN QUERY EXECUTE format('WITH frozen AS NOT MATERIALIZED (SELECT * FROM appraisal.closed_row r WHERE r.closing_no = %s), ', closing_no)
		|| appraisal.added_up_sql(revision, cycle,
			format('SELECT *, 1 AS n_rows, 0 AS n_agent, 0 AS n_team, 0 AS n_project FROM appraisal.closed_row WHERE closing_no = %s', closing_no),
			format('SELECT * FROM appraisal.closed_item WHERE closing_no = %s', closing_no)) || parts;
	RETURN QUERY
		SELECT m.plan_no, 'manual', m.item_no, m.level, m.subject, '{}'::text[], m.above, m.under
		FROM appraisal.closed_manual m
		WHERE m.closing_no = $1;
END
$body$;
COMMENT ON FUNCTION appraisal.closed_facts(integer, jsonb, text) IS 'The sums of all cards of a closed period, from its frozen rows.';

-- ---- closing ----

CREATE OR REPLACE FUNCTION appraisal.freeze_rows(no integer, period appraisal.period, revision jsonb, early boolean)
RETURNS TABLE (as_of timestamptz, made_with text)
LANGUAGE plpgsql
AS $body$
DECLARE
	settle_s numeric := appraisal.settle_seconds(revision, period.cycle);
	obstacles text[];
BEGIN
	-- Asked before the work, and again in the same snapshot as the rows, because a refresh may run beside it.
	PERFORM appraisal.refuse_obstacles(appraisal.obstacles(period, settle_s, early));
	-- Only rows that differ in nothing but the day have to be added up (several).
	EXECUTE format('WITH several AS MATERIALIZED (SELECT l.ticket_id, l.agent_id, l.project_id, l.team_id FROM kpid.ledger l'
			' WHERE l.day BETWEEN %5$L AND %6$L GROUP BY l.ticket_id, l.agent_id, l.project_id, l.team_id HAVING count(*) > 1),'
			' taken AS NOT MATERIALIZED (%1$s),'
			' kept AS (INSERT INTO appraisal.closed_row'
			' SELECT %2$s, t.plan_no, t.ticket_id, t.agent_id, t.project_id, t.team_id, t.channel, t.category, t.priority,'
			' {{measures 28: t.{column}}},'
			' {{ledger 13: t.{column}}}'
			' FROM taken t LEFT JOIN several s USING (ticket_id, agent_id, project_id, team_id) WHERE s.ticket_id IS NULL),'
			' added_up AS (INSERT INTO appraisal.closed_row SELECT %2$s, x.* FROM (%3$s) x),'
			' items AS (INSERT INTO appraisal.closed_item SELECT %2$s, x.* FROM (%4$s) x)'
			' SELECT s.as_of, s.made_with, appraisal.obstacles($1, $2, $3) FROM kpid.ledger_state s',
			appraisal.raw_rows_sql(revision, period.cycle, period.first, period.last), no,
			appraisal.row_sums_sql('(SELECT t.* FROM taken t JOIN several s USING (ticket_id, agent_id, project_id, team_id))'),
			appraisal.item_sums_sql('taken', period.first, period.last), period.first, period.last)
		INTO as_of, made_with, obstacles
		USING period, settle_s, early;
	PERFORM appraisal.refuse_obstacles(obstacles);
	INSERT INTO appraisal.closed_manual
	SELECT no, m.plan_no, m.item_no, m.level, m.subject, m.above, m.under
	FROM appraisal.manual_facts(period.key, revision, period.cycle) AS m;
	RETURN NEXT;
END
$body$;

DROP FUNCTION appraisal.plan_sql(integer, jsonb, text[]);

REVOKE ALL ON ALL ROUTINES IN SCHEMA appraisal FROM PUBLIC;
