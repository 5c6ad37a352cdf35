-- report.explain_ticket: the events of a ticket and the time lines of its clocks, as `kpid explain --json` shows them.

-- The values of `kpid explain --json`, under its keys --------------------------------------------------------------------

CREATE FUNCTION kpid.explain_most() RETURNS integer
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT 200
$body$;
COMMENT ON FUNCTION kpid.explain_most() IS 'The most events of a ticket that are folded in SQL, where the cost per event grows with their number; also the most alerts, cycles and conflicts that are shown.';

CREATE FUNCTION kpid.explain_time(us bigint) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT to_char(kpid.instant_of_us(us) AT TIME ZONE 'UTC', CASE
		WHEN us % 1000000 = 0 THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
		WHEN us % 1000 = 0 THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
		ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
	END)
$body$;
COMMENT ON FUNCTION kpid.explain_time(bigint) IS 'The instant in UTC as kpid explain prints it: with 0, 3 or 6 decimals, as needed.';

CREATE FUNCTION kpid.explain_place(sources jsonb, source_no integer, source_offset bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT coalesce(sources -> source_no::text, '{"topic": null, "partition": null}')
		|| jsonb_build_object('offset', source_offset)
$body$;
COMMENT ON FUNCTION kpid.explain_place(jsonb, integer, bigint) IS 'The coordinates where an event was read; topic and partition are NULL for a source that is no longer known.';

CREATE FUNCTION kpid.explain_scores(micros text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	RETURN (
	SELECT coalesce(jsonb_object_agg(m.key, m.value::numeric * 0.000001), '{}') FROM jsonb_each_text(micros::jsonb) m);
END
$body$;
COMMENT ON FUNCTION kpid.explain_scores(text) IS 'Scores by item, converted from millionths to the values that were sent.';

CREATE FUNCTION kpid.explain_event(ticket_id text, e kpid.history_event) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
BEGIN
	RETURN (
		SELECT jsonb_strip_nulls(jsonb_build_object(
				'specversion', '1.0', 'id', (e).id, 'source', (e).source, 'type', (kpid.history_names('types'))[(e).rank + 1],
				'time', kpid.explain_time((e).occurred_us), 'sequence', nullif((e).sequence, '')))
			|| jsonb_build_object('data', jsonb_strip_nulls(jsonb_build_object(
					'ticket_id', ticket_id, 'resolution', (kpid.history_names('resolutions'))[(e).resolution],
					'kind', (kpid.history_names('kinds'))[(e).kind], 'automatic', (e).automatic,
					'score', (e).score_micros * 0.000001, 'scale_max', (e).scale_max_micros * 0.000001,
					'answers_scale_max', (e).answers_scale_micros * 0.000001))
				|| coalesce((
					SELECT jsonb_object_agg((kpid.history_names('texts'))[t.place], CASE
						WHEN t.place >= 10 THEN kpid.explain_scores(t.value)
						WHEN t.value <> '' OR t.place = 8 THEN to_jsonb(t.value)
					END)
					FROM unnest((e).texts) WITH ORDINALITY AS t (value, place)
					WHERE t.value IS NOT NULL), '{}')
				|| coalesce((
					SELECT jsonb_object_agg((kpid.history_names('times'))[t.place], kpid.explain_time(t.value))
					FROM unnest((e).times) WITH ORDINALITY AS t (value, place)
					WHERE t.value IS NOT NULL), '{}')));
END
$body$;
COMMENT ON FUNCTION kpid.explain_event(text, kpid.history_event) IS 'The event as a CloudEvent.';

CREATE FUNCTION kpid.explain_step(ticket_id text, step kpid.fold_step, f kpid.fold_state, revision jsonb, sources jsonb)
RETURNS jsonb
LANGUAGE sql STABLE
AS $body$
	SELECT jsonb_build_object(
			'at', kpid.explain_time((step).at_us),
			'type', (kpid.history_names('types'))[((step).event).rank + 1],
			'derived', (step).derived,
			'source', ((step).event).source,
			'id', ((step).event).id,
			'effect', array_to_string((f).words, '; '),
			'state', (f).state,
			'cycle', (f).cycle,
			'owner', (f).owner_id,
			'policy', revision -> 'policies' -> ((f).policy - 1) ->> 'name',
			'event', CASE WHEN NOT (step).derived THEN kpid.explain_event(ticket_id, (step).event) END)
		|| kpid.explain_place(sources, ((step).event).source_no, ((step).event).source_offset)
$body$;
COMMENT ON FUNCTION kpid.explain_step(text, kpid.fold_step, kpid.fold_state, jsonb, jsonb) IS 'A step, with the state of the ticket after it.';

CREATE FUNCTION kpid.explain_time_line(rule kpid.fold_rule, pauses kpid.fold_pause[], from_us bigint, until_us bigint)
RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
BEGIN
	RETURN (
		WITH pause AS (
			SELECT p.start_us, coalesce(p.end_us, until_us) AS end_us, p.reason
			FROM unnest(pauses) p
			WHERE p.reason = ANY ((rule).pause_on)
		), edge AS (
			SELECT from_us AS at_us
			UNION SELECT until_us
			UNION SELECT p.start_us FROM pause p
			UNION SELECT p.end_us FROM pause p
			UNION
			SELECT h.at_us
			FROM unnest((rule).hours * int8multirange(int8range(from_us, greatest(from_us, until_us)))) AS s (span)
			CROSS JOIN LATERAL (VALUES (lower(s.span)), (upper(s.span))) AS h (at_us)
			WHERE NOT EXISTS (SELECT FROM pause p WHERE p.start_us < h.at_us AND h.at_us < p.end_us)
		), piece AS (
			SELECT
				e.at_us AS from_us,
				lead(e.at_us) OVER (ORDER BY e.at_us) AS to_us,
				p.reason,
				CASE WHEN p.reason IS NOT NULL THEN 'stands' WHEN (rule).hours @> e.at_us THEN 'runs' ELSE 'rests' END AS state
			FROM edge e
			LEFT JOIN pause p ON p.start_us <= e.at_us AND e.at_us < p.end_us
			WHERE e.at_us BETWEEN from_us AND until_us
		)
		SELECT coalesce(jsonb_agg(jsonb_build_object(
				'state', p.state, 'from', kpid.explain_time(p.from_us), 'to', kpid.explain_time(p.to_us), 'reason', p.reason,
				'ran_us', p.ran_us) ORDER BY p.from_us), '[]')
		FROM (
			SELECT
				q.from_us,
				q.to_us,
				q.reason,
				q.state,
				coalesce(
					sum(q.to_us - q.from_us) FILTER (WHERE q.state = 'runs') OVER (ORDER BY q.from_us), 0)::bigint AS ran_us
			FROM piece q
			WHERE q.to_us IS NOT NULL
			ORDER BY q.from_us
			LIMIT 1000
		) p);
END
$body$;
COMMENT ON FUNCTION kpid.explain_time_line(kpid.fold_rule, kpid.fold_pause[], bigint, bigint) IS 'The periods in which a clock of a target ran (''runs''), was outside its calendar (''rests'') or was paused (''stands''). At most 1000.';

CREATE FUNCTION kpid.explain_clock(c kpid.fold_clock, f kpid.fold_state, revision jsonb, as_of_us bigint, sources jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	runs CONSTANT boolean := c.stopped_us IS NULL;
	rule kpid.fold_rule := CASE
		WHEN c.promise_us IS NULL AND (c.rule).within_us IS NOT NULL THEN c.rule
		ELSE ROW(NULL, NULL, NULL, '{(,)}', '{}', NULL, NULL, NULL, NULL)::kpid.fold_rule
	END;
	last CONSTANT kpid.fold_pause := f.pauses[cardinality(f.pauses)];
	paused CONSTANT boolean := runs AND last.start_us IS NOT NULL AND last.end_us IS NULL AND last.reason = ANY (rule.pause_on);
	left_us bigint;
	breached_us bigint := c.breached_us;
	warned_us bigint[] := c.warned_us;
	moment kpid.fold_moment;
BEGIN
	IF runs AND breached_us IS NULL THEN
		c := kpid.clock_schedule(c, f.pauses, f.cycles);
		breached_us := c.due_us;
		warned_us := warned_us || ARRAY(
			SELECT kpid.clock_warning(c, w.i::integer)
			FROM unnest(c.warn_from_us) WITH ORDINALITY AS w (from_us, i)
			WHERE kpid.clock_warning(c, w.i::integer) <= coalesce(c.due_us, 9223372036854775807));
	END IF;
	IF runs THEN
		breached_us := CASE WHEN breached_us < as_of_us THEN breached_us END;
		c.verdict := CASE
			WHEN breached_us IS NOT NULL THEN 'breached'
			WHEN c.promise_us IS NULL AND rule.within_us IS NULL THEN 'none'
			ELSE 'pending'
		END;
	END IF;
	IF breached_us IS NOT NULL THEN
		SELECT m.at_us, m.owner_id, m.project_id
		INTO moment
		FROM unnest(f.moments) WITH ORDINALITY AS m
		WHERE m.at_us <= breached_us
		ORDER BY m.ordinality DESC
		LIMIT 1;
	END IF;
	IF paused THEN
		left_us := rule.within_us - kpid.clock_carried(c, f.pauses, f.cycles)
			- kpid.ran(kpid.rule_running(rule, f.pauses, c.start_us, NULL), greatest(c.start_us, last.start_us));
	END IF;
	IF runs AND as_of_us > f.until_us AND rule.calendar IS NOT NULL THEN
		rule.hours := kpid.calendar_hours_for(revision -> 'calendars' -> rule.calendar, c.start_us, as_of_us, 0);
	END IF;
	RETURN jsonb_build_object(
			'target', (kpid.history_names('targets'))[c.target], 'n', c.n, 'cycle', c.cycle, 'verdict', c.verdict,
			'promised', c.promise_us IS NOT NULL, 'policy', revision -> 'policies' -> (c.policy - 1) ->> 'name',
			'within_us', (c.rule).within_us, 'started_at', kpid.explain_time(c.start_us), 'due_at', kpid.explain_time(c.due_us),
			'stopped_at', kpid.explain_time(c.stopped_us), 'paused', paused, 'left_us', left_us,
			'breached_at', kpid.explain_time(breached_us), 'cause', CASE WHEN breached_us IS NOT NULL THEN c.cause END,
			'agent', CASE WHEN breached_us IS NOT NULL THEN moment.owner_id ELSE c.met_by END,
			'owner_at_breach', moment.owner_id, 'project_at_breach', moment.project_id, 'calendar', rule.calendar,
			'time_zone', rule.time_zone)
		|| jsonb_build_object(
			'warnings', (SELECT count(*) FROM unnest(warned_us) AS w (at_us) WHERE w.at_us < as_of_us),
			'warned_at', (SELECT kpid.explain_time(min(w.at_us)) FROM unnest(warned_us) AS w (at_us) WHERE w.at_us < as_of_us),
			'level', (
				SELECT count(*)
				FROM unnest((c.rule).escalate_us) AS e (after_us)
				WHERE breached_us + e.after_us < as_of_us AND (runs OR breached_us + e.after_us < c.stopped_us)),
			'timeline', kpid.explain_time_line(rule, f.pauses, c.start_us, coalesce(c.stopped_us, as_of_us)),
			'evidence', kpid.explain_place(sources, c.source_no, c.source_offset));
END
$body$;
COMMENT ON FUNCTION kpid.explain_clock(kpid.fold_clock, kpid.fold_state, jsonb, bigint, jsonb) IS 'A clock and its time line, judged as of an instant (S4, S8, S9, K4).';

CREATE FUNCTION kpid.explain_kpis(f kpid.fold_state, clocks jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	fcr_window_us CONSTANT bigint := coalesce(
		(SELECT s.value::bigint FROM kpid.setting s WHERE s.name = 'kpi.fcr_window_us'), 604800000000);
	first CONSTANT kpid.fold_cycle := f.cycles[1];
	survey kpid.fold_survey;
BEGIN
	IF first.counts AND first.resolution = 1 THEN
		f := kpid.fold_count(f, first.resolver_id, first.resolved_us, 'fcr_eligible', 1);
		IF NOT f.moved AND coalesce((f.cycles[2]).started_us - first.resolved_us > fcr_window_us, true) THEN
			f := kpid.fold_count(f, first.resolver_id, first.resolved_us, 'fcr_resolved', 1);
		END IF;
	END IF;
	FOR survey IN
		SELECT DISTINCT ON (s.cycle, s.kind) s.cycle, s.kind, s.at_us, s.score, s.scale, s.agent_id
		FROM unnest(f.surveys) WITH ORDINALITY AS s
		ORDER BY s.cycle, s.kind, s.ordinality DESC
	LOOP
		f.kpis := f.kpis || ARRAY(
			SELECT ROW(survey.agent_id, survey.at_us, m.measure, m.value)::kpid.fold_kpi
			FROM (
				VALUES
					(1, 'csat_responses', 1),
					(1, 'csat_satisfied', (survey.score * 10 >= survey.scale * 8)::integer),
					(1, 'csat_score_micros_sum', div(survey.score * 2000000 + survey.scale, survey.scale * 2)),
					(2, 'nps_responses', 1),
					(2, 'nps_promoters', (survey.score * 10 >= survey.scale * 9)::integer),
					(2, 'nps_detractors', (survey.score * 10 <= survey.scale * 6)::integer),
					(3, 'ces_responses', 1),
					(3, 'ces_score_micros_sum', div(survey.score * 2000000 + survey.scale, survey.scale * 2))
			) AS m (kind, measure, value)
			WHERE m.kind = survey.kind);
	END LOOP;
	RETURN (
		SELECT coalesce(jsonb_agg(jsonb_build_object(
				'time', kpid.explain_time(r.bucket_us), 'agent', r.agent, 'measures', r.measures)
			ORDER BY r.bucket_us, r.agent), '[]')
		FROM (
			SELECT v.bucket_us, v.agent, jsonb_object_agg(v.measure, v.value) FILTER (WHERE v.value <> 0) AS measures
			FROM (
				SELECT
					e.at_us - e.at_us % 300000000 AS bucket_us,
					coalesce(e.agent_id, '') COLLATE "C" AS agent,
					e.measure,
					sum(e.value) AS value
				FROM (
					SELECT k.agent_id, k.at_us, k.measure, k.value
					FROM unnest(f.kpis) k
					UNION ALL
					SELECT
						c.clock ->> 'agent',
						kpid.us_of_instant((c.clock ->> m.at)::timestamptz),
						(c.clock ->> 'target') || m.measure,
						1
					FROM jsonb_array_elements(clocks) AS c (clock)
					JOIN (
						VALUES
							('met', 'stopped_at', '_measured'),
							('met', 'stopped_at', '_within_sla'),
							('breached', 'breached_at', '_measured')
					) AS m (verdict, at, measure) ON m.verdict = c.clock ->> 'verdict'
				) e
				GROUP BY 1, 2, 3
			) v
			GROUP BY v.bucket_us, v.agent
		) r);
END
$body$;
COMMENT ON FUNCTION kpid.explain_kpis(kpid.fold_state, jsonb) IS 'K: the contributions of a ticket and its clocks (from kpid.explain_clock) by agent and 5 minutes, in whole microseconds and millionths.';

CREATE FUNCTION kpid.explain_passed_over(f kpid.fold_state, revision jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
BEGIN
	RETURN (
		SELECT coalesce(jsonb_agg(jsonb_build_object(
				'policy', p.policy ->> 'name',
				'attribute', (kpid.history_names('texts'))[m.attribute],
				'value', (f).attributes[m.attribute])
			ORDER BY p.place), '[]')
		FROM jsonb_array_elements(revision -> 'policies') WITH ORDINALITY AS p (policy, place)
		CROSS JOIN LATERAL (SELECT kpid.policy_mismatch(p.policy, (f).attributes)) AS m (attribute)
		WHERE p.place < coalesce((f).policy, 2147483647));
END
$body$;
COMMENT ON FUNCTION kpid.explain_passed_over(kpid.fold_state, jsonb) IS 'S1: the policies before the one that matches, each with the first attribute that did not match, and its value.';

CREATE FUNCTION kpid.explain_fold(ticket_id text, history bytea, revision jsonb, as_of timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	as_of_us CONSTANT bigint := kpid.us_of_instant(least(greatest(as_of, 'epoch'), '9999-12-31 23:59:59.999999Z'));
	sources jsonb;
	steps kpid.fold_step[];
	step kpid.fold_step;
	f kpid.fold_state;
	events jsonb[] := '{}';
	clocks jsonb[] := '{}';
	clock jsonb;
	verdicts text[] := '{none,none,none,none}';
BEGIN
	f.state := 'unknown';
	f.cycle := 0;
	f.reopen_count := 0;
	f.transfer_count := 0;
	f.attributes := array_fill(NULL::text, ARRAY[6]);
	f.promises_us := array_fill(NULL::bigint, ARRAY[4]);
	f.latest := array_fill(NULL::integer, ARRAY[4]);
	f.rules := array_fill(NULL::kpid.fold_rule, ARRAY[4]);
	f.cycles := '{}';
	f.pauses := '{}';
	f.clocks := '{}';
	f.moments := '{}';
	f.surveys := '{}';
	f.kpis := '{}';
	f.moved := false;
	f.resume_on_reply := ARRAY(SELECT jsonb_array_elements_text(revision -> 'resume_on_reply'));
	SELECT
		min(s.at_us) FILTER (WHERE (s.event).rank = 0),
		max(s.at_us),
		coalesce(array_agg(ROW(s.event, s.at_us, s.derived)::kpid.fold_step ORDER BY s.place), '{}')
	INTO f.opened_us, f.until_us, steps
	FROM kpid.fold_steps(history) WITH ORDINALITY AS s (event, at_us, derived, place);
	SELECT jsonb_object_agg(p.source_no, jsonb_build_object('topic', p.topic, 'partition', p.partition))
	INTO sources
	FROM kpid.source_partition p
	WHERE p.source_no = ANY (ARRAY(SELECT (s.event).source_no FROM unnest(steps) s));
	FOREACH step IN ARRAY steps LOOP
		f := kpid.fold_take(f, step, CASE WHEN f.opened_us IS NOT NULL THEN revision END);
		events := array_append(events, kpid.explain_step(ticket_id, step, f, revision, sources));
	END LOOP;
	FOR i IN 1 .. cardinality(f.clocks) LOOP
		clock := kpid.explain_clock(f.clocks[i], f, revision, as_of_us, sources);
		verdicts[(f.clocks[i]).target] := clock ->> 'verdict';
		IF (f.clocks[i]).listed THEN
			clocks := array_append(clocks, clock);
		END IF;
	END LOOP;
	RETURN jsonb_build_object(
		'state', f.state, 'cycle', f.cycle, 'reopen_count', f.reopen_count, 'transfer_count', f.transfer_count,
		'owner', f.owner_id, 'project_id', f.attributes[1], 'channel', f.attributes[2], 'category', f.attributes[3],
		'priority', f.attributes[4], 'team_id', f.attributes[5], 'requester_ref', f.attributes[6],
		'opened_at', kpid.explain_time(f.opened_us), 'first_response_at', kpid.explain_time(f.first_response_us),
		'policy', revision -> 'policies' -> (f.policy - 1) ->> 'name',
		'passed_over', CASE WHEN f.opened_us IS NULL THEN '[]' ELSE kpid.explain_passed_over(f, revision) END,
		'verdicts', verdicts, 'events', to_jsonb(events), 'clocks', to_jsonb(clocks),
		'kpis', kpid.explain_kpis(f, to_jsonb(clocks)));
END
$body$;
COMMENT ON FUNCTION kpid.explain_fold(text, bytea, jsonb, timestamptz) IS 'Folds a ticket step by step under a policy revision, and judges it as of an instant.';

-- The interface --------------------------------------------------------------------------------------------------------

CREATE FUNCTION kpid.explain_void(clock jsonb, events jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	RETURN (
		SELECT CASE
			WHEN clock IS NULL THEN 'late events removed this clock'
			WHEN s.place IS NULL THEN
				'late events moved the due time to ' || coalesce(translate(clock ->> 'due_at', 'TZ', ' '), '–')
			ELSE format('%s %s %s: %s',
				CASE clock ->> 'target'
					WHEN 'resolution' THEN 'an end of' WHEN 'arrival' THEN 'an arrival of' ELSE 'a response of'
				END,
				translate(clock ->> 'stopped_at', 'TZ', ' '),
				CASE WHEN clock ->> 'verdict' = 'met' THEN 'was in time and arrived late' ELSE 'arrived late' END,
				s.place)
		END
		FROM (VALUES (true)) AS one (row)
		LEFT JOIN LATERAL (
			SELECT concat(coalesce((e.event ->> 'topic') || '/' || (e.event ->> 'partition'), 'an unknown source'),
				' @', e.event ->> 'offset') AS place
			FROM jsonb_array_elements(events) WITH ORDINALITY AS e (event, no)
			WHERE e.event ->> 'at' = clock ->> 'stopped_at'
				AND (
					e.event ->> 'type' IN ('ticket.resolved', 'ticket.closed')
					OR e.event ->> 'type' = CASE clock ->> 'target'
						WHEN 'arrival' THEN 'ticket.arrived' WHEN 'resolution' THEN NULL ELSE 'ticket.responded'
					END)
			ORDER BY e.no
			LIMIT 1) s ON true);
END
$body$;
COMMENT ON FUNCTION kpid.explain_void(jsonb, jsonb) IS 'Why a recorded breach or warning was voided, derived from the clock as it is now and the events.';

CREATE FUNCTION kpid.explain_alerts(ticket_id text, folded jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
BEGIN
	RETURN (
		SELECT coalesce(jsonb_agg(
				to_jsonb(a) || jsonb_build_object(
					'due_at', kpid.explain_time(kpid.us_of_instant(a.due_at)),
					'breached_at', kpid.explain_time(kpid.us_of_instant(a.breached_at)),
					'warned_at', kpid.explain_time(kpid.us_of_instant(a.warned_at)),
					'detected_at', kpid.explain_time(kpid.us_of_instant(a.detected_at)),
					'resolved_at', kpid.explain_time(kpid.us_of_instant(a.resolved_at)),
					'voided_because', CASE WHEN a.state = 'voided' AND folded IS NOT NULL THEN kpid.explain_void((
						SELECT c.clock
						FROM jsonb_array_elements(folded -> 'clocks') AS c (clock)
						WHERE c.clock ->> 'target' = a.target AND c.clock -> 'n' = to_jsonb(a.n)), folded -> 'events') END,
					'acknowledgements', coalesce((
						SELECT jsonb_agg(to_jsonb(k) ORDER BY k.acknowledged_at)
						FROM report.acknowledgement k
						WHERE k.alert_id = a.alert_id), '[]'),
					'deliveries', coalesce((
						SELECT jsonb_agg(to_jsonb(d) ORDER BY d.receiver)
						FROM report.alert_delivery d
						WHERE d.alert_id = a.alert_id), '[]'))
				ORDER BY a.breached_at, a.target COLLATE "C", a.n), '[]')
		FROM (
			SELECT r.*
			FROM report.alert r
			WHERE r.ticket_id = $1
			ORDER BY r.breached_at DESC, r.target COLLATE "C" DESC, r.n DESC
			LIMIT kpid.explain_most()
		) a);
END
$body$;
COMMENT ON FUNCTION kpid.explain_alerts(text, jsonb) IS 'The recorded alerts of a ticket, at most the latest kpid.explain_most. folded: the result of kpid.explain_fold; NULL: it was left out.';

CREATE FUNCTION kpid.explain_conflicts(ticket_id text) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
BEGIN
	RETURN (
		SELECT coalesce(jsonb_agg(jsonb_build_object(
				'topic', d.topic, 'partition', d.partition, 'offset', d."offset",
				'read_at', kpid.explain_time(kpid.us_of_instant(d.read_at)),
				'source', e.event ->> 'source', 'id', e.event ->> 'id', 'type', e.event ->> 'type', 'time', e.event ->> 'time')
			ORDER BY d.read_at, d.topic, d.partition, d."offset"), '[]')
		FROM kpid.dead_letter d
		CROSS JOIN LATERAL (SELECT convert_from(d.value, 'UTF8')::jsonb) AS e (event)
		WHERE d.reason = 'id_conflict' AND e.event -> 'data' ->> 'ticket_id' = $1);
END
$body$;
COMMENT ON FUNCTION kpid.explain_conflicts(text) IS 'Events of a ticket that lost to another event with the same identity and other content.';

CREATE FUNCTION kpid.explain_record(k kpid.ticket, folded jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	t report.ticket;
BEGIN
	SELECT * INTO t FROM report.ticket v WHERE v.ticket_id = k.ticket_id;
	RETURN jsonb_build_object(
		'ticket_id', k.ticket_id,
		'policy_version', t.policy_version,
		'as_of', kpid.explain_time(kpid.us_of_instant(k.as_of)),
		'revised_at', kpid.explain_time(kpid.us_of_instant(k.revised_at)),
		'revision', k.rev,
		'agrees_with_record', (
				folded ->> 'state', folded -> 'cycle', folded ->> 'opened_at', folded ->> 'owner', folded ->> 'policy',
				folded -> 'verdicts' ->> 0, folded -> 'verdicts' ->> 3) IS NOT DISTINCT FROM (
				t.state, to_jsonb(t.cycle), kpid.explain_time(kpid.us_of_instant(t.opened_at)), t.agent_id, t.policy,
				t.first_response_verdict, t.resolution_verdict),
		'ticket', to_jsonb(t),
		'cycles', coalesce(
			(
				SELECT jsonb_agg(to_jsonb(c) ORDER BY c.cycle)
				FROM report.ticket_cycle c
				WHERE c.ticket_id = k.ticket_id AND c.cycle > k.cycle - kpid.explain_most()), '[]'),
		'live', coalesce((
			SELECT jsonb_agg(to_jsonb(l) ORDER BY l.started_at, l.target, l.n)
			FROM report.sla_live l
			WHERE l.ticket_id = k.ticket_id), '[]'),
		'recalculations', coalesce((
			SELECT jsonb_agg(to_jsonb(c) ORDER BY c.began_at)
			FROM report.recalculation c
			JOIN kpid.recalculation n USING (recalculation_no)
			WHERE k.revision_no = ANY (n.revision_nos)
				AND (c.opened_since IS NULL OR t.opened_at >= c.opened_since)
				AND (c.opened_before IS NULL OR t.opened_at < c.opened_before)), '[]'));
END
$body$;
COMMENT ON FUNCTION kpid.explain_record(kpid.ticket, jsonb) IS 'The stored rows of a ticket, and whether they agree with the result of kpid.explain_fold.';

CREATE FUNCTION kpid.explain_set_aside(ticket_id text) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $body$
BEGIN
	RETURN (
		SELECT jsonb_build_object('reason', p.reason, 'detail', p.detail, 'events', p.n_events,
			'since', kpid.explain_time(kpid.us_of_instant(p.parked_at)))
		FROM kpid.parked_ticket p
		WHERE p.ticket_id = $1);
END
$body$;
COMMENT ON FUNCTION kpid.explain_set_aside(text) IS 'Why some events of a ticket are not folded yet, and how many; NULL: all are folded.';

CREATE FUNCTION report.explain_ticket(ticket_id text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off
AS $body$
DECLARE
	k kpid.ticket;
	revision jsonb;
	folded jsonb;
BEGIN
	SELECT * INTO k FROM kpid.ticket t WHERE t.ticket_id = $1;
	IF NOT FOUND THEN
		RETURN (
			SELECT jsonb_build_object('ticket_id', $1, 'set_aside', s.aside)
			FROM (SELECT kpid.explain_set_aside($1) AS aside) s
			WHERE s.aside IS NOT NULL);
	END IF;
	SELECT r.json INTO revision FROM kpid.policy_revision r WHERE r.revision_no = k.revision_no;
	IF (SELECT count(*) > kpid.explain_most() FROM kpid.history_events(k.history, kpid.explain_most() + 1)) THEN
		RETURN kpid.explain_record(k, NULL) || jsonb_build_object(
			'agrees_with_record', NULL,
			'alerts', kpid.explain_alerts(k.ticket_id, NULL),
			'events', NULL, 'clocks', NULL, 'kpis', NULL,
			'set_aside', kpid.explain_set_aside(k.ticket_id),
			'cut', jsonb_build_object('events', format(
				'the ticket has more than %s events: events, clocks and kpis are left out here; kpid explain shows them', kpid.explain_most())));
	END IF;
	folded := kpid.explain_fold(k.ticket_id, k.history, revision, k.as_of);
	RETURN folded - 'verdicts' || kpid.explain_record(k, folded) || jsonb_build_object(
		'cut', NULL,
		'alerts', kpid.explain_alerts(k.ticket_id, folded),
		'conflicts', kpid.explain_conflicts(k.ticket_id),
		'set_aside', kpid.explain_set_aside(k.ticket_id),
		'policy_text', (
			SELECT p.policy
			FROM jsonb_array_elements(revision -> 'policies') AS p (policy)
			WHERE p.policy ->> 'name' = folded ->> 'policy'),
		'calendars', revision -> 'calendars');
END
$body$;
COMMENT ON FUNCTION report.explain_ticket(text) IS 'How a ticket came to its figures, with the keys of kpid explain --json: its events in order, each with its effect; its clocks with time lines, warnings and verdicts; the policies that did not match; its alerts with acknowledgements and notifications; its contributions to KPIs; conflicts. Also: ticket, cycles and live (the running clocks), as in the views; policy_text and calendars, the exact text of the policy; recalculations: who had the ticket judged again, and why. NULL: no such ticket. cut: NULL, or, for a ticket with more events than kpid.explain_most, what is left out; events, clocks and kpis are NULL then. set_aside: why some events are not folded yet, and how many; if that holds for all of them, it is the only key beside ticket_id. Fails if the history is broken.';
