-- Folds the history of a ticket for report.explain_ticket, as daemon/core/ does in C.
-- Comments name the rules that a function implements. The running time of a clock is a multirange of microseconds: the
-- hours of its calendar minus its pauses.

-- Hours (rule S7) -----------------------------------------------------------------------------------------------------

CREATE FUNCTION kpid.instant_of_us(us bigint) RETURNS timestamptz
LANGUAGE sql STABLE
AS $body$
	SELECT '1970-01-01 00:00:00+00'::timestamptz + us / 1000000 * interval '1 second' + us % 1000000 * interval '1 microsecond'
$body$;
COMMENT ON FUNCTION kpid.instant_of_us(bigint) IS 'Converts microseconds since 1970 to an instant.';

CREATE FUNCTION kpid.us_of_instant(at timestamptz) RETURNS bigint
LANGUAGE sql STABLE
AS $body$
	SELECT CASE WHEN isfinite(at) THEN (extract(epoch FROM at) * 1000000)::bigint END
$body$;
COMMENT ON FUNCTION kpid.us_of_instant(timestamptz) IS 'Converts an instant to microseconds since 1970; NULL for infinity.';

CREATE FUNCTION kpid.zone_offset(zone text, at timestamp) RETURNS interval
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT (at AT TIME ZONE 'UTC') AT TIME ZONE zone - at
$body$;
COMMENT ON FUNCTION kpid.zone_offset(text, timestamp) IS 'The zone''s offset from UTC at an instant, which is given as a local time in UTC.';

CREATE FUNCTION kpid.us_of_local(zone text, local timestamp, is_second boolean) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	-- No clock is farther from UTC than this, nor moves by more at once.
	before CONSTANT timestamp := local - kpid.zone_offset(zone, local - interval '26 hours');
	after CONSTANT timestamp := local - kpid.zone_offset(zone, local + interval '26 hours');
	chosen timestamp := before;
BEGIN
	IF before <> after AND after + kpid.zone_offset(zone, after) = local
		AND (is_second OR before + kpid.zone_offset(zone, before) <> local) THEN
		chosen := after;
	END IF;
	RETURN kpid.us_of_instant(chosen AT TIME ZONE 'UTC');
END
$body$;
COMMENT ON FUNCTION kpid.us_of_local(text, timestamp, boolean) IS 'The instant of a local time in a zone. An ambiguous time is its first or, with is_second, its second occurrence. A time in a gap moves forward by the gap.';

CREATE FUNCTION kpid.calendar_weekday(weekly jsonb, weekday integer) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	names CONSTANT text[] := '{mon,tue,wed,thu,fri,sat,sun}';
BEGIN
	RETURN (
		SELECT w.value
		FROM jsonb_each(weekly) AS w
		CROSS JOIN LATERAL (
			SELECT
				array_position(names, split_part(w.key, '-', 1)) AS first_day,
				array_position(names, split_part(w.key, '-', -1)) AS last_day
		) r
		WHERE CASE
				WHEN r.first_day <= r.last_day THEN weekday BETWEEN r.first_day AND r.last_day
				ELSE weekday >= r.first_day OR weekday <= r.last_day
			END);
END
$body$;
COMMENT ON FUNCTION kpid.calendar_weekday(jsonb, integer) IS 'P4: the hours of a weekday (1 is Monday, 7 is Sunday) from keys such as mon and mon-fri; NULL: none.';

CREATE FUNCTION kpid.calendar_day(calendar jsonb, week jsonb[], day date) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	days CONSTANT jsonb := calendar -> 'days';
BEGIN
	RETURN coalesce(
		days -> to_char(day, 'YYYY-MM-DD'),
		(
			SELECT d.value
			FROM jsonb_each(days) AS d
			WHERE d.key LIKE '%/%' AND day BETWEEN split_part(d.key, '/', 1)::date AND split_part(d.key, '/', 2)::date
		),
		days -> to_char(day, 'MM-DD'),
		week[extract(isodow FROM day)::integer]);
END
$body$;
COMMENT ON FUNCTION kpid.calendar_day(jsonb, jsonb[], date) IS 'S7, P4: the hours of a date, from the calendar''s days and its week (index 1 is Monday); NULL: none.';

CREATE FUNCTION kpid.calendar_hours(calendar jsonb, first_day date, last_day date) RETURNS int8multirange
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	zone CONSTANT text := calendar ->> 'time_zone';
	week CONSTANT jsonb[] := ARRAY(
		SELECT kpid.calendar_weekday(calendar -> 'weekly', d.n) FROM generate_series(1, 7) AS d (n) ORDER BY d.n);
BEGIN
	RETURN (
		SELECT coalesce(range_agg(int8range(u.start_us, u.end_us)) FILTER (WHERE u.start_us < u.end_us), '{}')
		FROM generate_series(first_day::timestamp, last_day, interval '1 day') AS d (midnight)
		CROSS JOIN LATERAL jsonb_array_elements_text(kpid.calendar_day(calendar, week, d.midnight::date)) AS h (hours)
		CROSS JOIN LATERAL (
			SELECT split_part(h.hours, '-', 1) COLLATE "C" AS starts, split_part(h.hours, '-', 2) COLLATE "C" AS ends
		) t
		CROSS JOIN LATERAL (
			SELECT
				kpid.us_of_local(zone, d.midnight + t.starts::interval, false) AS start_us,
				kpid.us_of_local(
					zone,
					d.midnight + t.ends::interval + CASE WHEN t.ends <= t.starts THEN interval '1 day' ELSE interval '0' END,
					t.ends <> '24:00') AS end_us
		) u);
END
$body$;
COMMENT ON FUNCTION kpid.calendar_hours(jsonb, date, date) IS 'The working hours of a calendar from first_day to last_day, both included, as dates in its zone.';

CREATE FUNCTION kpid.calendar_hours_for(calendar jsonb, from_us bigint, until_us bigint, work_us bigint)
RETURNS int8multirange
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	next_day date := (kpid.instant_of_us(from_us) AT TIME ZONE 'UTC')::date - 3;
	last_day date := (kpid.instant_of_us(until_us) AT TIME ZONE 'UTC')::date + 7;
	hours int8multirange := '{}';
BEGIN
	LOOP
		hours := hours + kpid.calendar_hours(calendar, next_day, last_day);
		EXIT WHEN last_day > date '2900-01-01' OR kpid.ran(hours * int8multirange(int8range(until_us, NULL)), NULL) >= work_us;
		next_day := last_day + 1;
		last_day := last_day + greatest(28, last_day - (kpid.instant_of_us(until_us) AT TIME ZONE 'UTC')::date);
	END LOOP;
	RETURN hours;
END
$body$;
COMMENT ON FUNCTION kpid.calendar_hours_for(jsonb, bigint, bigint, bigint) IS 'The working hours of a calendar from from_us to until_us, and beyond until there are work_us of them after until_us.';

CREATE FUNCTION kpid.ran(running int8multirange, until_us bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	RETURN (
		SELECT coalesce(sum(upper(r.span) - lower(r.span)), 0)::bigint
		FROM unnest(running * int8multirange(int8range(NULL, until_us))) AS r (span));
END
$body$;
COMMENT ON FUNCTION kpid.ran(int8multirange, bigint) IS 'The length of these ranges before an instant. They must have a lower bound.';

CREATE FUNCTION kpid.run_out(running int8multirange, run_us bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	span int8range;
	left_us bigint := run_us;
BEGIN
	FOR span IN SELECT unnest(running) LOOP
		IF upper_inf(span) OR left_us <= upper(span) - lower(span) THEN
			RETURN lower(span) + left_us;
		END IF;
		left_us := left_us - (upper(span) - lower(span));
	END LOOP;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION kpid.run_out(int8multirange, bigint) IS 'The earliest instant at which run_us (> 0) of these ranges have passed; NULL: they are shorter.';

-- Policies (rules P, S1) -----------------------------------------------------------------------------------------------

CREATE FUNCTION kpid.policy_mismatch(policy jsonb, attributes text[]) RETURNS integer
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	RETURN (
		SELECT min(a.place)
		FROM unnest(attributes[1:5]) WITH ORDINALITY AS a (value, place)
		WHERE policy -> 'match' ? (kpid.history_names('texts'))[a.place]
			AND NOT EXISTS (
				SELECT
				FROM jsonb_array_elements_text(policy -> 'match' -> (kpid.history_names('texts'))[a.place]) AS p (pattern)
				WHERE CASE
						WHEN a.value <> '' THEN a.value LIKE replace(
							replace(replace(replace(p.pattern, '|', '||'), '%', '|%'), '_', '|_'), '*', '%') ESCAPE '|'
						ELSE p.pattern = ''
					END))::integer;
END
$body$;
COMMENT ON FUNCTION kpid.policy_mismatch(jsonb, text[]) IS 'The first attribute (index in kpid.history_names) that a policy''s match rejects; NULL: the policy matches.';

CREATE FUNCTION kpid.duration_us(duration text, working_day_us bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	RETURN (
		SELECT sum(
			p.part[1]::bigint * CASE p.part[2]
				WHEN 'wd' THEN working_day_us WHEN 'd' THEN 86400000000 WHEN 'h' THEN 3600000000 WHEN 'm' THEN 60000000
				WHEN 's' THEN 1000000
			END)::bigint
		FROM regexp_matches(duration, '([0-9]+)([a-z]+)', 'g') AS p (part));
END
$body$;
COMMENT ON FUNCTION kpid.duration_us(text, bigint) IS 'Microseconds of a duration of the policy file (rule P2).';

CREATE TYPE kpid.fold_rule AS (
	within_us bigint,
	calendar text,
	time_zone text,
	hours int8multirange,
	pause_on text[],
	continues boolean,
	warn_us bigint[],
	warn_before boolean[],
	escalate_us bigint[]
);
COMMENT ON TYPE kpid.fold_rule IS 'A target of a policy with all values resolved; within_us NULL: none. calendar, time_zone: NULL if its hours never pause. warn_us: time before the due time, or time that has run.';

CREATE FUNCTION kpid.fold_rule_of(target jsonb, calendars jsonb, known kpid.fold_rule[], from_us bigint, until_us bigint)
RETURNS kpid.fold_rule
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	calendar CONSTANT jsonb := calendars -> (target ->> 'calendar');
	rests CONSTANT boolean := calendar IS NOT NULL AND NOT calendar ? 'always';
	rule kpid.fold_rule;
BEGIN
	IF target IS NULL THEN
		RETURN NULL;
	END IF;
	rule.within_us := kpid.duration_us(target ->> 'within', kpid.duration_us(calendar ->> 'working_day', NULL));
	rule.hours := '{(,)}';
	IF rests THEN
		rule.calendar := target ->> 'calendar';
		rule.time_zone := calendar ->> 'time_zone';
		rule.hours := coalesce((
			SELECT r.hours
			FROM unnest(known) r
			WHERE r.calendar = rule.calendar
				AND kpid.ran(r.hours * int8multirange(int8range(until_us, NULL)), NULL) >= rule.within_us
			LIMIT 1), kpid.calendar_hours_for(calendar, from_us, until_us, rule.within_us));
	END IF;
	rule.pause_on := ARRAY(SELECT jsonb_array_elements_text(target -> 'pause_on'));
	rule.continues := target ->> 'reopen' IS NOT DISTINCT FROM 'continue';
	SELECT array_agg(
			CASE
				WHEN right(w.rule, 1) = '%' THEN div(rule.within_us * rtrim(w.rule, '%')::numeric, 100)::bigint
				ELSE kpid.duration_us(split_part(w.rule, ' ', 1), NULL)
			END ORDER BY w.place),
		array_agg(right(w.rule, 1) <> '%' ORDER BY w.place)
	INTO rule.warn_us, rule.warn_before
	FROM jsonb_array_elements_text(target -> 'warn_at') WITH ORDINALITY AS w (rule, place);
	rule.escalate_us := ARRAY(
		SELECT kpid.duration_us(e.after, NULL) FROM jsonb_array_elements_text(target -> 'escalate_after') AS e (after));
	RETURN rule;
END
$body$;
COMMENT ON FUNCTION kpid.fold_rule_of(jsonb, jsonb, kpid.fold_rule[], bigint, bigint) IS 'A target of a policy file with the hours of its calendar, for a ticket that was opened at from_us and whose last event is at until_us. known: rules of the same ticket, whose hours are reused if the calendar is the same.';

-- Clocks (rules S2-S6, S8) ---------------------------------------------------------------------------------------------

CREATE TYPE kpid.fold_pause AS (start_us bigint, end_us bigint, reason text);
COMMENT ON TYPE kpid.fold_pause IS 'A period in the state paused; end_us NULL: not over.';

CREATE TYPE kpid.fold_cycle AS (started_us bigint, resolved_us bigint, resolver_id text, resolution integer, counts boolean);
COMMENT ON TYPE kpid.fold_cycle IS 'A cycle of a ticket. counts: whether its resolution counts for K.';

CREATE TYPE kpid.fold_clock AS (
	target integer,
	n integer,
	cycle integer,
	start_us bigint,
	source_no integer,
	source_offset bigint,
	policy integer,
	rule kpid.fold_rule,
	promise_us bigint,
	listed boolean,
	stopped_us bigint,
	lapsed boolean,
	verdict text,
	cause text,
	due_us bigint,
	breached_us bigint,
	met_by text,
	applied_us bigint,
	seen_us bigint,
	running int8multirange,
	warn_from_us bigint[],
	warn_passed integer[],
	warned_us bigint[]
);
COMMENT ON TYPE kpid.fold_clock IS 'A clock during the fold. target: index in kpid.history_names. policy, rule: in force now, or at the breach. listed: has ever had a target or a promise. applied_us: when the policy began to apply. seen_us: warnings before it are final: those in warn_passed are done with, those in warned_us were due. running, due_us and warn_from_us (when each warning becomes due) hold if nothing more happens; running NULL: not yet computed. Once breached or stopped, due_us is fixed.';

CREATE FUNCTION kpid.rule_running(rule kpid.fold_rule, pauses kpid.fold_pause[], from_us bigint, cut_us bigint)
RETURNS int8multirange
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	running CONSTANT int8multirange := rule.hours * int8multirange(int8range(from_us, NULL));
BEGIN
	IF cardinality(pauses) = 0 OR rule.pause_on = '{}' THEN
		RETURN running;
	END IF;
	RETURN running - coalesce((
			SELECT range_agg(int8range(p.start_us, coalesce(p.end_us, cut_us)))
			FROM unnest(pauses) p
			WHERE p.reason = ANY (rule.pause_on)), '{}');
END
$body$;
COMMENT ON FUNCTION kpid.rule_running(kpid.fold_rule, kpid.fold_pause[], bigint, bigint) IS 'S3: when a clock of the target runs that starts at from_us. An open pause ends at cut_us (NULL: never).';

CREATE FUNCTION kpid.clock_carried(c kpid.fold_clock, pauses kpid.fold_pause[], cycles kpid.fold_cycle[]) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	used_us bigint := 0;
BEGIN
	IF (c.rule).continues THEN
		FOR i IN 1 .. c.cycle - 1 LOOP
			used_us := used_us
				+ kpid.ran(kpid.rule_running(c.rule, pauses, (cycles[i]).started_us, NULL), (cycles[i]).resolved_us);
		END LOOP;
	END IF;
	RETURN used_us;
END
$body$;
COMMENT ON FUNCTION kpid.clock_carried(kpid.fold_clock, kpid.fold_pause[], kpid.fold_cycle[]) IS 'S2: the time that a continued clock used in earlier cycles.';

CREATE FUNCTION kpid.clock_reaches(c kpid.fold_clock, running int8multirange, left_us bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT CASE WHEN left_us > 0 THEN kpid.run_out(running, left_us) ELSE (c).start_us + sign(left_us)::bigint END
$body$;
COMMENT ON FUNCTION kpid.clock_reaches(kpid.fold_clock, int8multirange, bigint) IS 'When a clock has left_us behind it (a negative value: before its start); NULL: it is in an open pause.';

CREATE FUNCTION kpid.clock_due(c kpid.fold_clock, running int8multirange, carried_us bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT CASE
		WHEN (c).promise_us IS NOT NULL THEN (c).promise_us
		WHEN ((c).rule).within_us IS NOT NULL THEN kpid.clock_reaches(c, running, greatest(((c).rule).within_us - carried_us, 0))
	END
$body$;
COMMENT ON FUNCTION kpid.clock_due(kpid.fold_clock, int8multirange, bigint) IS 'S2, S3: the due time; NULL: no target, or in an open pause.';

CREATE FUNCTION kpid.clock_schedule(c kpid.fold_clock, pauses kpid.fold_pause[], cycles kpid.fold_cycle[])
RETURNS kpid.fold_clock
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	carried_us bigint;
BEGIN
	IF c.running IS NOT NULL OR c.breached_us IS NOT NULL THEN
		RETURN c;
	END IF;
	carried_us := kpid.clock_carried(c, pauses, cycles);
	c.running := coalesce(kpid.rule_running(c.rule, pauses, c.start_us, NULL), '{}');
	c.due_us := kpid.clock_due(c, c.running, carried_us);
	c.warn_from_us := '{}';
	FOR i IN 1 .. coalesce(cardinality((c.rule).warn_us), 0) LOOP
		c.warn_from_us[i] := CASE
			WHEN (c.rule).warn_before[i] THEN c.due_us - (c.rule).warn_us[i]
			WHEN c.promise_us IS NULL THEN kpid.clock_reaches(c, c.running, (c.rule).warn_us[i] - carried_us)
		END;
	END LOOP;
	RETURN c;
END
$body$;
COMMENT ON FUNCTION kpid.clock_schedule(kpid.fold_clock, kpid.fold_pause[], kpid.fold_cycle[]) IS 'S3, S8: computes when a running clock and its warnings are due if nothing more happens.';

CREATE FUNCTION kpid.clock_warning(c kpid.fold_clock, i integer) RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT CASE
		WHEN i = ANY ((c).warn_passed) THEN NULL
		WHEN (c).warn_from_us[i] < (c).applied_us AND ((c).seen_us = (c).applied_us OR NOT ((c).rule).warn_before[i]) THEN NULL
		WHEN (c).warn_from_us[i] IS NOT NULL THEN greatest((c).warn_from_us[i], (c).seen_us)
	END
$body$;
COMMENT ON FUNCTION kpid.clock_warning(kpid.fold_clock, integer) IS 'S8: when a warning will be due if nothing more happens; NULL: it was due already, was skipped, or will never be due.';

CREATE FUNCTION kpid.clock_pass(c kpid.fold_clock, pauses kpid.fold_pause[], cycles kpid.fold_cycle[], until_us bigint)
RETURNS kpid.fold_clock
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	at_us bigint;
BEGIN
	IF until_us <= c.seen_us THEN
		RETURN c;
	END IF;
	IF c.breached_us IS NULL THEN
		c := kpid.clock_schedule(c, pauses, cycles);
		FOR i IN 1 .. cardinality(c.warn_from_us) LOOP
			CONTINUE WHEN i = ANY (c.warn_passed) OR c.warn_from_us[i] IS NULL OR c.warn_from_us[i] >= until_us;
			at_us := kpid.clock_warning(c, i);
			c.warn_passed := c.warn_passed || i;
			IF at_us IS NOT NULL THEN
				c.warned_us := c.warned_us || at_us;
			END IF;
		END LOOP;
	END IF;
	c.seen_us := until_us;
	RETURN c;
END
$body$;
COMMENT ON FUNCTION kpid.clock_pass(kpid.fold_clock, kpid.fold_pause[], kpid.fold_cycle[], bigint) IS 'S8: advances a running clock to an instant before which nothing happens. Warnings that fall due before it become final.';

CREATE FUNCTION kpid.clock_judge(
	c kpid.fold_clock, pauses kpid.fold_pause[], cycles kpid.fold_cycle[], policy integer, rule kpid.fold_rule,
	promise_us bigint, at_us bigint
) RETURNS kpid.fold_clock
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	c := kpid.clock_schedule(c, pauses, cycles);
	IF c.breached_us IS NULL AND c.due_us < at_us THEN
		c.breached_us := c.due_us;
	END IF;
	IF c.breached_us IS NOT NULL THEN
		RETURN c;
	END IF;
	IF policy IS DISTINCT FROM c.policy OR c.applied_us IS NULL THEN
		c.applied_us := at_us;
		c.seen_us := at_us;
		c.warn_passed := '{}';
	END IF;
	c.policy := policy;
	c.rule := rule;
	IF promise_us IS NOT NULL THEN
		c.promise_us := greatest(promise_us, c.start_us);
	END IF;
	c.listed := c.listed OR c.promise_us IS NOT NULL OR (rule).within_us IS NOT NULL;
	c.running := NULL;
	c := kpid.clock_schedule(c, pauses, cycles);
	IF c.due_us < at_us THEN
		c.breached_us := at_us;
		c.cause := 'policy_change';
	END IF;
	RETURN c;
END
$body$;
COMMENT ON FUNCTION kpid.clock_judge(kpid.fold_clock, kpid.fold_pause[], kpid.fold_cycle[], integer, kpid.fold_rule, bigint, bigint) IS 'S6: applies a policy and a promise to a running clock from an instant on. No effect once the clock is breached.';

CREATE FUNCTION kpid.clock_ran(c kpid.fold_clock, pauses kpid.fold_pause[], at_us bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT CASE
		WHEN (c).promise_us IS NOT NULL OR ((c).rule).within_us IS NULL THEN at_us - (c).start_us
		ELSE kpid.ran(kpid.rule_running((c).rule, pauses, (c).start_us, at_us), at_us)
	END
$body$;
COMMENT ON FUNCTION kpid.clock_ran(kpid.fold_clock, kpid.fold_pause[], bigint) IS 'How long the clock has run at an instant, without the time used in earlier cycles.';

CREATE FUNCTION kpid.clock_stop(
	c kpid.fold_clock, pauses kpid.fold_pause[], cycles kpid.fold_cycle[], at_us bigint, met_by text, is_met boolean
) RETURNS kpid.fold_clock
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	c.stopped_us := at_us;
	IF c.breached_us IS NULL THEN
		c.due_us := kpid.clock_due(
			c, kpid.rule_running(c.rule, pauses, c.start_us, at_us), kpid.clock_carried(c, pauses, cycles));
		IF c.due_us < at_us THEN
			c.breached_us := c.due_us;
		END IF;
	END IF;
	c.lapsed := NOT is_met AND c.breached_us IS NULL;
	c.verdict := CASE
		WHEN c.breached_us IS NOT NULL THEN 'breached' WHEN is_met AND c.due_us IS NOT NULL THEN 'met' ELSE 'none'
	END;
	IF c.breached_us IS NULL AND is_met THEN
		c.met_by := met_by;
	END IF;
	RETURN c;
END
$body$;
COMMENT ON FUNCTION kpid.clock_stop(kpid.fold_clock, kpid.fold_pause[], kpid.fold_cycle[], bigint, text, boolean) IS 'Stops a clock. S4 (is_met): by what it waits for, done by met_by. S5 (not is_met): because its cycle has ended.';

-- The fold (rules F4-F14) ----------------------------------------------------------------------------------------------

CREATE TYPE kpid.fold_moment AS (at_us bigint, owner_id text, project_id text);
COMMENT ON TYPE kpid.fold_moment IS 'Owner and project of a ticket from an instant on.';

CREATE TYPE kpid.fold_survey AS (cycle integer, kind integer, at_us bigint, score numeric, scale numeric, agent_id text);
COMMENT ON TYPE kpid.fold_survey IS 'A survey, with values in millionths.';

CREATE TYPE kpid.fold_kpi AS (agent_id text, at_us bigint, measure text, value bigint);
COMMENT ON TYPE kpid.fold_kpi IS 'A contribution of a ticket to a KPI (rules K).';

CREATE TYPE kpid.fold_state AS (
	resume_on_reply text[],
	opened_us bigint,
	until_us bigint,
	state text,
	cycle integer,
	reopen_count integer,
	transfer_count integer,
	attributes text[],
	owner_id text,
	last_owner_id text,
	last_resolver_id text,
	first_response_us bigint,
	arrived_us bigint,
	policy integer,
	rules kpid.fold_rule[],
	promises_us bigint[],
	cycles kpid.fold_cycle[],
	pauses kpid.fold_pause[],
	clocks kpid.fold_clock[],
	latest integer[],
	moments kpid.fold_moment[],
	surveys kpid.fold_survey[],
	kpis kpid.fold_kpi[],
	moved boolean,
	replied_us bigint,
	words text[]
);
COMMENT ON TYPE kpid.fold_state IS 'A ticket between two steps. until_us: time of the last event. policy: its position in the revision; rules: its targets. promises_us, latest (the latest clock): by target. kpis: contributions that are final. moved: transferred after the first response in cycle 1. replied_us: the last reply since the cycle ended. words: what the latest step did.';

CREATE FUNCTION kpid.fold_count(f kpid.fold_state, agent text, at_us bigint, measure text, value bigint)
RETURNS kpid.fold_state
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	f.kpis := array_append(f.kpis, ROW(agent, at_us, measure, value)::kpid.fold_kpi);
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_count(kpid.fold_state, text, bigint, text, bigint) IS 'K: adds a contribution to a measure of an agent at an instant.';

CREATE FUNCTION kpid.fold_running(f kpid.fold_state, target integer) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT (f).latest[target] IS NOT NULL AND ((f).clocks[(f).latest[target]]).stopped_us IS NULL
$body$;
COMMENT ON FUNCTION kpid.fold_running(kpid.fold_state, integer) IS 'Whether a clock of the target is running.';

CREATE FUNCTION kpid.fold_start(f kpid.fold_state, target integer, step kpid.fold_step) RETURNS kpid.fold_state
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	c kpid.fold_clock;
BEGIN
	c.target := target;
	c.n := coalesce((f.clocks[f.latest[target]]).n, 0) + 1;
	c.cycle := f.cycle;
	c.start_us := step.at_us;
	c.source_no := (step.event).source_no;
	c.source_offset := (step.event).source_offset;
	c.listed := false;
	c.lapsed := false;
	c.verdict := 'none';
	c.cause := 'deadline';
	c.warned_us := '{}';
	c := kpid.clock_judge(c, f.pauses, f.cycles, f.policy, f.rules[target],
		CASE WHEN f.cycle = 1 THEN f.promises_us[target] END, step.at_us);
	f.clocks := array_append(f.clocks, c);
	f.latest[target] := cardinality(f.clocks);
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_start(kpid.fold_state, integer, kpid.fold_step) IS 'S2: starts a clock.';

CREATE FUNCTION kpid.fold_stop(f kpid.fold_state, target integer, at_us bigint, met_by text, is_met boolean)
RETURNS kpid.fold_state
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	IF kpid.fold_running(f, target) THEN
		f.clocks[f.latest[target]] := kpid.clock_stop(f.clocks[f.latest[target]], f.pauses, f.cycles, at_us, met_by, is_met);
	END IF;
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_stop(kpid.fold_state, integer, bigint, text, boolean) IS 'S4, S5: stops the running clock of the target, if there is one.';

CREATE FUNCTION kpid.fold_pauses(f kpid.fold_state, ends_us bigint, begins_us bigint, reason text) RETURNS kpid.fold_state
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	IF f.state = 'paused' THEN
		f.pauses[cardinality(f.pauses)].end_us := ends_us;
		f.state := 'open';
	END IF;
	IF begins_us IS NOT NULL THEN
		f.pauses := array_append(f.pauses, ROW(begins_us, NULL, reason)::kpid.fold_pause);
		f.state := 'paused';
	END IF;
	FOR target IN 1 .. 4 LOOP
		IF kpid.fold_running(f, target) THEN
			f.clocks[f.latest[target]].running := NULL;
		END IF;
	END LOOP;
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_pauses(kpid.fold_state, bigint, bigint, text) IS 'F9: ends the open pause, if there is one, and begins another if begins_us is given.';

CREATE FUNCTION kpid.fold_choose_policy(f kpid.fold_state, revision jsonb) RETURNS kpid.fold_state
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	chosen record;
BEGIN
	IF revision IS NULL THEN
		RETURN f;
	END IF;
	SELECT p.policy, p.place::integer
	INTO chosen
	FROM jsonb_array_elements(revision -> 'policies') WITH ORDINALITY AS p (policy, place)
	WHERE kpid.policy_mismatch(p.policy, f.attributes) IS NULL
	ORDER BY p.place
	LIMIT 1;
	IF chosen.place IS DISTINCT FROM f.policy THEN
		f.policy := chosen.place;
		f.words := f.words || ('policy is ' || coalesce(chosen.policy ->> 'name', 'none'));
		FOR target IN 1 .. 4 LOOP
			f.rules[target] := kpid.fold_rule_of(chosen.policy -> 'targets' -> (kpid.history_names('targets'))[target],
				revision -> 'calendars', f.rules, f.opened_us, f.until_us);
		END LOOP;
	END IF;
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_choose_policy(kpid.fold_state, jsonb) IS 'S1: chooses the first policy of the revision that matches the attributes.';

CREATE FUNCTION kpid.fold_assign(f kpid.fold_state, agent text, at_us bigint) RETURNS kpid.fold_state
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	IF agent IS NULL OR agent = coalesce(f.owner_id, '') THEN
		RETURN f;
	END IF;
	IF f.state IN ('open', 'paused') AND agent <> '' AND agent <> f.last_owner_id THEN
		f.transfer_count := f.transfer_count + 1;
		f.moved := f.moved OR (f.cycle = 1 AND f.first_response_us IS NOT NULL);
		f := kpid.fold_count(f, f.last_owner_id, at_us, 'transferred_out', 1);
		f.words := f.words || format('transfer from %s to %s', f.last_owner_id, agent);
	ELSE
		f.words := f.words || ('assigned to ' || coalesce(nullif(agent, ''), 'nobody'));
	END IF;
	f.owner_id := nullif(agent, '');
	f.last_owner_id := coalesce(f.owner_id, f.last_owner_id);
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_assign(kpid.fold_state, text, bigint) IS 'F6: assigns the ticket to an agent; NULL: no change, empty: to nobody.';

CREATE FUNCTION kpid.fold_change(f kpid.fold_state, step kpid.fold_step, revision jsonb) RETURNS kpid.fold_state
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	e CONSTANT kpid.history_event := step.event;
	before CONSTANT kpid.fold_state := f;
	promised boolean := false;
BEGIN
	f := kpid.fold_assign(f, e.texts[7], step.at_us);
	FOR i IN 1 .. 6 LOOP
		IF e.texts[i] <> coalesce(f.attributes[i], '') THEN
			f.words := f.words || concat(
				(kpid.history_names('texts'))[i], CASE e.texts[i] WHEN '' THEN ' cleared' ELSE ' is ' END, e.texts[i]);
		END IF;
		f.attributes[i] := nullif(coalesce(e.texts[i], f.attributes[i]), '');
	END LOOP;
	IF e.times[4] IS NOT NULL AND e.times[4] IS DISTINCT FROM f.promises_us[1] THEN
		f.promises_us[1] := e.times[4];
		f.words := f.words || 'first response promised'::text;
		promised := true;
	END IF;
	IF e.times[5] IS NOT NULL AND e.times[5] IS DISTINCT FROM f.promises_us[4] THEN
		f.promises_us[4] := e.times[5];
		f.words := f.words || 'resolution promised'::text;
		promised := true;
	END IF;
	IF f.owner_id IS DISTINCT FROM before.owner_id OR f.attributes[1] IS DISTINCT FROM before.attributes[1] THEN
		f.moments := array_append(f.moments, ROW(step.at_us, f.owner_id, f.attributes[1])::kpid.fold_moment);
	END IF;
	IF f.attributes[1:5] <> before.attributes[1:5] THEN
		f := kpid.fold_choose_policy(f, revision);
	END IF;
	IF f.policy IS DISTINCT FROM before.policy OR promised THEN
		FOR target IN 1 .. 4 LOOP
			CONTINUE WHEN NOT kpid.fold_running(f, target);
			f.clocks[f.latest[target]] := kpid.clock_judge(f.clocks[f.latest[target]], f.pauses, f.cycles, f.policy,
				f.rules[target], CASE WHEN (f.clocks[f.latest[target]]).cycle = 1 THEN f.promises_us[target] END, step.at_us);
		END LOOP;
	END IF;
	IF f.words = '{}' THEN
		f.words := '{no effect: nothing changes}';
	END IF;
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_change(kpid.fold_state, kpid.fold_step, jsonb) IS 'F5, F6, S6: applies the owner, the attributes and the promises of a step.';

CREATE FUNCTION kpid.fold_begin(f kpid.fold_state, step kpid.fold_step) RETURNS kpid.fold_state
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	target integer;
BEGIN
	f.state := 'open';
	f.cycle := f.cycle + 1;
	f.cycles := array_append(f.cycles, ROW(step.at_us, NULL, NULL, NULL, false)::kpid.fold_cycle);
	FOREACH target IN ARRAY '{1,3}'::integer[] LOOP
		IF f.cycle = 1 OR (f.clocks[f.latest[target]]).lapsed THEN
			f := kpid.fold_start(f, target, step);
		END IF;
	END LOOP;
	RETURN kpid.fold_start(f, 4, step);
END
$body$;
COMMENT ON FUNCTION kpid.fold_begin(kpid.fold_state, kpid.fold_step) IS 'F5, F12, S2: begins a cycle.';

CREATE FUNCTION kpid.fold_respond(f kpid.fold_state, at_us bigint, agent text) RETURNS kpid.fold_state
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	clock kpid.fold_clock;
BEGIN
	IF kpid.fold_running(f, 2) THEN
		f.words := f.words || 'ends the wait for the next response'::text;
		f := kpid.fold_stop(f, 2, at_us, agent, true);
	END IF;
	IF f.first_response_us IS NULL THEN
		f.words := f.words || ('first response, by ' || coalesce(agent, 'nobody'));
		f.first_response_us := at_us;
		clock := f.clocks[f.latest[1]];
		f := kpid.fold_count(f, agent, at_us, 'responded', 1);
		f := kpid.fold_count(f, agent, at_us, 'first_response_us_sum', at_us - clock.start_us);
		f := kpid.fold_count(f, agent, at_us, 'first_response_working_us_sum', kpid.clock_ran(clock, f.pauses, at_us));
		f := kpid.fold_stop(f, 1, at_us, agent, true);
	END IF;
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_respond(kpid.fold_state, bigint, text) IS 'F7: applies a response.';

CREATE FUNCTION kpid.fold_end(f kpid.fold_state, step kpid.fold_step, agent text, is_automatic boolean)
RETURNS kpid.fold_state
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	resolution CONSTANT integer := coalesce((step.event).resolution, 1);
	is_work CONSTANT boolean := resolution IN (1, 2);
	counts CONSTANT boolean := is_work AND NOT (is_automatic AND f.first_response_us IS NULL);
BEGIN
	f.words := f.words
		|| concat('resolved by ', coalesce(agent, 'nobody'), ' as ', (kpid.history_names('resolutions'))[resolution]);
	f := kpid.fold_pauses(f, step.at_us, NULL, NULL);
	IF is_work AND NOT is_automatic THEN
		f := kpid.fold_respond(f, step.at_us, agent);
	END IF;
	IF counts THEN
		f := kpid.fold_stop(f, 4, step.at_us, agent, true);
		f := kpid.fold_count(f, agent, step.at_us, 'resolved', 1);
		f := kpid.fold_count(f, agent, step.at_us, 'resolution_us_sum', step.at_us - (f.cycles[f.cycle]).started_us);
		f := kpid.fold_count(f, agent, step.at_us, 'resolution_working_us_sum',
			kpid.clock_ran(f.clocks[f.latest[4]], f.pauses, step.at_us));
	END IF;
	FOR target IN 1 .. 4 LOOP
		f := kpid.fold_stop(f, target, step.at_us, NULL, false);
	END LOOP;
	f.cycles[f.cycle] := ROW((f.cycles[f.cycle]).started_us, step.at_us, agent, resolution, counts)::kpid.fold_cycle;
	f.last_resolver_id := coalesce(agent, f.last_resolver_id);
	f.state := 'resolved';
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_end(kpid.fold_state, kpid.fold_step, text, boolean) IS 'F10, S5: ends a cycle, by a resolution or (F11) by a closing.';

CREATE FUNCTION kpid.fold_reply(f kpid.fold_state, step kpid.fold_step) RETURNS kpid.fold_state
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	IF f.state IN ('resolved', 'closed') THEN
		f.words := '{counts if the ticket is reopened within 60 s}';
		f.replied_us := step.at_us;
		RETURN f;
	END IF;
	IF f.state = 'paused' AND (f.pauses[cardinality(f.pauses)]).reason = ANY (f.resume_on_reply) THEN
		f.words := '{resumed by the reply}';
		f := kpid.fold_pauses(f, step.at_us, NULL, NULL);
	END IF;
	IF f.first_response_us IS NOT NULL AND NOT kpid.fold_running(f, 2) THEN
		f.words := f.words || 'the requester waits for the next response'::text;
		f := kpid.fold_start(f, 2, step);
	ELSIF f.words = '{}' THEN
		f.words := ARRAY[
			'no effect: ' || CASE WHEN f.first_response_us IS NULL THEN 'no response yet' ELSE 'already waiting' END];
	END IF;
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_reply(kpid.fold_state, kpid.fold_step) IS 'F9, F13: applies a reply of the requester.';

CREATE FUNCTION kpid.fold_apply_step(f kpid.fold_state, step kpid.fold_step, revision jsonb) RETURNS kpid.fold_state
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	e CONSTANT kpid.history_event := step.event;
	named CONSTANT text := nullif(e.texts[7], '');
	agent CONSTANT text := coalesce(named, f.owner_id);
	reason CONSTANT text := coalesce(e.texts[8], '');
BEGIN
	CASE e.rank
		WHEN 0 THEN
			IF f.state <> 'unknown' THEN
				RETURN kpid.fold_change(f, step, revision);
			END IF;
			f.words := '{opened}';
			f := kpid.fold_change(f, step, revision);
			IF f.policy IS NULL THEN
				f := kpid.fold_choose_policy(f, revision);
			END IF;
			f := kpid.fold_count(kpid.fold_begin(f, step), named, step.at_us, 'opened', 1);
		WHEN 1, 2 THEN
			f := kpid.fold_change(f, step, revision);
		WHEN 3 THEN
			f := kpid.fold_reply(f, step);
		WHEN 4 THEN
			IF e.automatic THEN
				f.words := '{no effect: an automatic reply is no response}';
				RETURN f;
			END IF;
			f := kpid.fold_respond(f, step.at_us, CASE WHEN step.derived THEN coalesce(f.owner_id, named) ELSE agent END);
			IF f.words = '{}' THEN
				f.words := '{no effect: already responded and nobody waits}';
			END IF;
		WHEN 5 THEN
			IF f.arrived_us IS NOT NULL THEN
				f.words := '{no effect: arrived before}';
				RETURN f;
			END IF;
			f.words := ARRAY['arrival, by ' || coalesce(agent, 'nobody')];
			f.arrived_us := step.at_us;
			f := kpid.fold_stop(f, 3, step.at_us, agent, true);
		WHEN 6 THEN
			IF f.state = 'paused' AND (f.pauses[cardinality(f.pauses)]).reason = reason THEN
				f.words := '{no effect: already paused for this reason}';
				RETURN f;
			END IF;
			f.words := ARRAY['paused: ' || coalesce(nullif(reason, ''), 'no reason given')];
			f := kpid.fold_pauses(f, step.at_us, step.at_us, reason);
		WHEN 7 THEN
			f.words := '{resumed}';
			f := kpid.fold_pauses(f, step.at_us, NULL, NULL);
		WHEN 8 THEN
			f := kpid.fold_end(f, step, agent, false);
		WHEN 9 THEN
			IF f.state <> 'resolved' THEN
				f := kpid.fold_end(f, step, agent, coalesce(e.automatic, false));
			END IF;
			f.words := f.words || ('closed by ' || coalesce(agent, 'nobody'));
			f.state := 'closed';
			f := kpid.fold_count(f, agent, step.at_us, 'closed', 1);
		WHEN 10 THEN
			f.words := '{reopened}';
			f.reopen_count := f.reopen_count + 1;
			f := kpid.fold_count(f, (f.cycles[f.cycle]).resolver_id, step.at_us, 'reopened', 1);
			f := kpid.fold_begin(f, step);
			IF f.first_response_us IS NOT NULL AND step.at_us - f.replied_us <= 60000000 THEN
				f.words := f.words || 'the requester waits for the next response'::text;
				f := kpid.fold_start(f, 2, step);
			END IF;
			f.replied_us := NULL;
		WHEN 11 THEN
			f.words := ARRAY['survey counts for ' || coalesce(named, f.last_resolver_id, f.owner_id, 'nobody')];
			f.surveys := array_append(f.surveys, ROW(f.cycle, coalesce(e.kind, 1), step.at_us, e.score_micros,
				coalesce(e.scale_max_micros, (ARRAY[5000000, 10000000, 7000000])[coalesce(e.kind, 1)]),
				coalesce(named, f.last_resolver_id, f.owner_id))::kpid.fold_survey);
	END CASE;
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_apply_step(kpid.fold_state, kpid.fold_step, jsonb) IS 'Applies a step in a state in which it has an effect.';

CREATE FUNCTION kpid.fold_take(f kpid.fold_state, step kpid.fold_step, revision jsonb) RETURNS kpid.fold_state
LANGUAGE plpgsql STABLE
AS $body$
BEGIN
	f.words := '{}';
	FOR target IN 1 .. 4 LOOP
		IF kpid.fold_running(f, target) THEN
			f.clocks[f.latest[target]] := kpid.clock_pass(f.clocks[f.latest[target]], f.pauses, f.cycles, step.at_us);
		END IF;
	END LOOP;
	IF f.state = ANY (CASE
			WHEN (step.event).rank IN (0, 1, 2, 11) THEN '{unknown,open,paused,resolved,closed}'
			WHEN (step.event).rank = 3 THEN '{open,paused,resolved,closed}'
			WHEN (step.event).rank = 7 THEN '{paused}'
			WHEN (step.event).rank = 9 THEN '{open,paused,resolved}'
			WHEN (step.event).rank = 10 THEN '{resolved,closed}'
			ELSE '{open,paused}'
		END::text[]) THEN
		RETURN kpid.fold_apply_step(f, step, revision);
	END IF;
	f.words := ARRAY['no effect: ' || CASE f.state
		WHEN 'unknown' THEN 'not opened yet'
		WHEN 'open' THEN 'the ticket is open'
		WHEN 'paused' THEN 'the ticket is paused'
		WHEN 'resolved' THEN 'already resolved'
		WHEN 'closed' THEN 'already closed'
	END];
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_take(kpid.fold_state, kpid.fold_step, jsonb) IS 'Folds the next step. If there is an opening, it must be the first.';
