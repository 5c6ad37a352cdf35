-- The events of a ticket and the time lines of its clocks for tools, as `kpid explain --json` has them.
--
-- Both follow from the ticket's history, which is unpacked and folded here, as daemon/core/ does it, when somebody asks.
-- Functions name the rules that they read. Times are microseconds since 1970, as in the history; when a clock runs is a
-- multirange of them: its hours less its pauses. A text that is NULL is absent; an empty one is what clears (RULES F5).

-- The history ---------------------------------------------------------------------------------------------------------

CREATE TYPE kpid.history_event AS (
	rank integer,
	occurred_us bigint,
	sequence text COLLATE "C",
	source text COLLATE "C",
	id text COLLATE "C",
	source_no integer,
	source_offset bigint,
	texts text[],
	times bigint[],
	resolution integer,
	automatic boolean,
	kind integer,
	score_micros bigint,
	scale_max_micros bigint
);
COMMENT ON TYPE kpid.history_event IS 'An event as a history has it. rank: of its type, RULES F1; texts, times: by kpid.history_names; resolution, kind: numbers of include/kpid/core/event.h. NULL: absent.';

CREATE FUNCTION kpid.history_names(what text) RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN CASE what
	WHEN 'types' THEN ARRAY[
		'ticket.opened', 'ticket.updated', 'ticket.assigned', 'ticket.requester_replied', 'ticket.responded', 'ticket.arrived',
		'ticket.paused', 'ticket.resumed', 'ticket.resolved', 'ticket.closed', 'ticket.reopened', 'survey.submitted']
	WHEN 'texts' THEN ARRAY[
		'project_id', 'channel', 'category', 'priority', 'team_id', 'requester_ref', 'agent_id', 'reason', 'survey_id',
		'answers', 'expected']
	WHEN 'times' THEN ARRAY[
		'opened_at', 'first_response_at', 'resolved_at', 'first_response_due_at', 'resolution_due_at']
	WHEN 'resolutions' THEN ARRAY['solved', 'unsolved', 'cancelled', 'duplicate']
	WHEN 'kinds' THEN ARRAY['csat', 'nps', 'ces']
	WHEN 'targets' THEN ARRAY['first_response', 'next_response', 'arrival', 'resolution']
END;
COMMENT ON FUNCTION kpid.history_names(text) IS 'The names of what histories have by number, in the order of the enums of include/kpid/core/event.h and policy.h. types: by rank + 1.';

CREATE FUNCTION kpid.history_number(bytes bytea, INOUT at integer, OUT plain bigint, OUT signed bigint)
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	byte integer;
BEGIN
	plain := 0;
	FOR shift IN 0 .. 63 BY 7 LOOP
		byte := get_byte(bytes, at);
		at := at + 1;
		plain := plain | ((byte & 127)::bigint << shift);
		IF byte < 128 THEN
			signed := ((plain >> 1) & x'7fffffffffffffff'::bigint) # -(plain & 1);
			RETURN;
		END IF;
	END LOOP;
	RAISE data_corrupted;
END
$body$;
COMMENT ON FUNCTION kpid.history_number(bytea, integer) IS 'The LEB128 number of a history at a place, and the place behind it. signed: it was zigzag-coded. 64 bits: one that is negative as plain was too large for a bigint.';

CREATE FUNCTION kpid.history_bytes(bytes bytea, at integer, n bigint) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	IF n NOT BETWEEN 0 AND octet_length(bytes) - at THEN
		RAISE data_corrupted;
	END IF;
	RETURN substring(bytes FROM at + 1 FOR n::integer);
END
$body$;
COMMENT ON FUNCTION kpid.history_bytes(bytea, integer, bigint) IS 'So many bytes of a history from a place on.';

CREATE FUNCTION kpid.history_text(bytes bytea, INOUT memory text[], INOUT at integer, OUT word text)
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	tag record := kpid.history_number(bytes, at);
	argument bigint := (tag.plain >> 2) & x'3fffffffffffffff'::bigint;
BEGIN
	at := tag.at;
	CASE tag.plain & 3
		WHEN 0 THEN
			IF argument >= least(cardinality(memory), 64) THEN
				RAISE data_corrupted;
			END IF;
			word := memory[cardinality(memory) - argument];
		WHEN 1 THEN
			word := convert_from(kpid.history_bytes(bytes, at, argument), 'UTF8');
			at := at + argument;
			memory := array_append(memory, word);
		WHEN 2 THEN
			word := encode(kpid.history_bytes(bytes, at, 16), 'hex')::uuid;
			at := at + 16;
		WHEN 3 THEN
			word := encode(kpid.history_bytes(bytes, at, argument), 'hex');
			at := at + argument;
	END CASE;
END
$body$;
COMMENT ON FUNCTION kpid.history_text(bytea, text[], integer) IS 'The text of a history at a place, and the place behind it. memory: the literals before it, of which the last 64 may be meant; and with it, if it is one.';

CREATE FUNCTION kpid.history_events(history bytea) RETURNS SETOF kpid.history_event
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	bytes CONSTANT bytea := history || ''::bytea; -- taken out of its storage once, not for each byte
	times CONSTANT int8range := '[631152000000000,7289654400000000)'; -- 1990 to 2200, RULES E5
	at integer := 1;
	head integer;
	fields bigint;
	number record;
	said record;
	memory text[] := '{}';
	event kpid.history_event;
	before_us bigint := 0;
BEGIN
	IF get_byte(bytes, 0) <> 1 THEN
		RAISE data_corrupted;
	END IF;
	WHILE at < octet_length(bytes) LOOP
		event := NULL;
		event.sequence := '';
		event.texts := array_fill(NULL::text, ARRAY[11]);
		event.times := array_fill(NULL::bigint, ARRAY[5]);
		head := get_byte(bytes, at);
		event.rank := head & 15;
		number := kpid.history_number(bytes, at + 1);
		event.occurred_us := before_us + number.signed;
		before_us := event.occurred_us;
		said := kpid.history_text(bytes, memory, number.at);
		event.source := said.word;
		memory := said.memory;
		said := kpid.history_text(bytes, memory, said.at);
		event.id := said.word; -- not remembered: it does not come again
		number := kpid.history_number(bytes, said.at);
		event.source_no := number.signed;
		number := kpid.history_number(bytes, number.at);
		event.source_offset := number.signed;
		at := number.at;
		IF head & 16 <> 0 THEN
			said := kpid.history_text(bytes, memory, at);
			event.sequence := said.word;
			at := said.at;
			memory := said.memory;
		END IF;
		number := kpid.history_number(bytes, at);
		at := number.at;
		fields := number.plain;
		IF event.rank > 11 OR NOT times @> event.occurred_us OR fields NOT BETWEEN 0 AND 2047 THEN
			RAISE data_corrupted;
		END IF;
		FOR i IN 1 .. 11 LOOP
			CONTINUE WHEN fields >> (i - 1) & 1 = 0;
			said := kpid.history_text(bytes, memory, at);
			event.texts[i] := said.word;
			at := said.at;
			memory := said.memory;
		END LOOP;
		IF head & 32 <> 0 THEN
			number := kpid.history_number(bytes, at);
			at := number.at;
			fields := number.plain;
			IF fields NOT BETWEEN 0 AND 31 THEN
				RAISE data_corrupted;
			END IF;
			FOR i IN 1 .. 5 LOOP
				CONTINUE WHEN fields >> (i - 1) & 1 = 0;
				number := kpid.history_number(bytes, at);
				event.times[i] := event.occurred_us + number.signed;
				at := number.at;
				IF NOT times @> event.times[i] THEN
					RAISE data_corrupted;
				END IF;
			END LOOP;
		END IF;
		IF head & 64 <> 0 THEN
			fields := get_byte(bytes, at);
			at := at + 1;
			IF fields & 7 > 4 OR fields >> 3 & 3 > 2 OR fields >> 5 > 3 THEN
				RAISE data_corrupted;
			END IF;
			event.resolution := nullif(fields & 7, 0);
			event.automatic := nullif(fields >> 3 & 3, 0) = 2;
			event.kind := nullif(fields >> 5, 0);
		END IF;
		IF head & 128 <> 0 THEN
			number := kpid.history_number(bytes, at);
			event.score_micros := nullif(number.signed, (-9223372036854775808)::bigint);
			number := kpid.history_number(bytes, number.at);
			event.scale_max_micros := nullif(number.signed, (-9223372036854775808)::bigint);
			at := number.at;
			IF event.score_micros < 0 OR event.scale_max_micros <= 0 THEN
				RAISE data_corrupted;
			END IF;
		END IF;
		RETURN NEXT event;
	END LOOP;
EXCEPTION
	WHEN data_corrupted OR array_subscript_error OR numeric_value_out_of_range OR character_not_in_repertoire
		OR untranslatable_character THEN
		RAISE data_corrupted USING
			MESSAGE = format('a broken history: no event goes on like this at byte %s of %s', at, octet_length(bytes)),
			HINT = 'Restore the row of that ticket in kpid.ticket; "kpid verify" finds all that are broken.';
END
$body$;
COMMENT ON FUNCTION kpid.history_events(bytea) IS 'The events of a packed history (kpid.ticket.history), in their order. data_corrupted: it is none, or of a format that this version does not know.';

-- From events to steps (RULES F1-F3) -----------------------------------------------------------------------------------

CREATE TYPE kpid.fold_step AS (
	event kpid.history_event,
	at_us bigint,
	derived boolean
);
COMMENT ON TYPE kpid.fold_step IS 'An event as it counts: at_us as RULES F2 has it; derived: told by a closing (F3).';

CREATE FUNCTION kpid.told_event(closing kpid.history_event, rank integer, at_us bigint) RETURNS kpid.history_event
LANGUAGE sql IMMUTABLE
RETURN ROW(
		rank, at_us, (closing).sequence, (closing).source, (closing).id, (closing).source_no, (closing).source_offset,
		ARRAY[NULL, NULL, NULL, NULL, NULL, NULL, (closing).texts[7]], '{}',
		CASE WHEN rank = 8 THEN (closing).resolution END, NULL, NULL, NULL, NULL)::kpid.history_event;
COMMENT ON FUNCTION kpid.told_event(kpid.history_event, integer, bigint) IS 'The step of a type that a closing tells of.';

CREATE FUNCTION kpid.fold_steps(history bytea) RETURNS SETOF kpid.fold_step
LANGUAGE plpgsql STABLE
AS $body$
BEGIN
	RETURN QUERY
		WITH given AS MATERIALIZED (
			SELECT ROW(e.*)::kpid.history_event AS event, row_number() OVER () AS place
			FROM kpid.history_events(history) e
		), opening AS (
			SELECT o.event, o.place, o.derived
			FROM (
				SELECT g.event, g.place, false AS derived
				FROM given g
				WHERE (g.event).rank = 0
				UNION ALL
				SELECT kpid.told_event(g.event, 0, (g.event).times[1]), g.place, true
				FROM given g
				WHERE (g.event).rank = 9 AND (g.event).times[1] IS NOT NULL
			) o
			ORDER BY o.derived, CASE WHEN o.derived THEN (o.event).occurred_us END, o.place
			LIMIT 1
		)
		SELECT s.event, greatest((s.event).occurred_us, (o.event).occurred_us), s.derived
		FROM (
			SELECT event, 0 AS part, derived
			FROM opening
			UNION ALL
			SELECT g.event, 1, false
			FROM given g
			WHERE NOT EXISTS (SELECT FROM opening WHERE opening.place = g.place AND NOT opening.derived)
			UNION ALL
			SELECT kpid.told_event(g.event, t.rank, t.at_us), 1, true
			FROM given g
			CROSS JOIN LATERAL (VALUES (4, (g.event).times[2]), (8, (g.event).times[3])) AS t (rank, at_us)
			WHERE (g.event).rank = 9 AND t.at_us <= (g.event).occurred_us
		) s
		LEFT JOIN opening o ON true
		ORDER BY
			s.part, (s.event).occurred_us, (s.event).sequence, (s.event).rank, (s.event).source, (s.event).id;
END
$body$;
COMMENT ON FUNCTION kpid.fold_steps(bytea) IS 'The steps that a history stands for, in the order in which they count.';

-- Hours (RULES S7) -----------------------------------------------------------------------------------------------------

CREATE FUNCTION kpid.instant_of_us(us bigint) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN '1970-01-01 00:00:00+00'::timestamptz + us / 1000000 * interval '1 second' + us % 1000000 * interval '1 microsecond';
COMMENT ON FUNCTION kpid.instant_of_us(bigint) IS 'The instant so many microseconds since 1970.';

CREATE FUNCTION kpid.us_of_instant(at timestamptz) RETURNS bigint
LANGUAGE sql STABLE
RETURN CASE WHEN isfinite(at) THEN (extract(epoch FROM at) * 1000000)::bigint END;
COMMENT ON FUNCTION kpid.us_of_instant(timestamptz) IS 'Microseconds since 1970; NULL: without end.';

CREATE FUNCTION kpid.zone_offset(zone text, at timestamp) RETURNS interval
LANGUAGE sql IMMUTABLE
RETURN (at AT TIME ZONE 'UTC') AT TIME ZONE zone - at;
COMMENT ON FUNCTION kpid.zone_offset(text, timestamp) IS 'How far clocks of the zone are ahead of UTC at an instant, given as clocks in UTC show it.';

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
COMMENT ON FUNCTION kpid.us_of_local(text, timestamp, boolean) IS 'The instant at which clocks of the zone show a time, if it comes twice its first or its second. One that they leave out moves forward by the gap.';

CREATE FUNCTION kpid.calendar_hours(calendar jsonb, first_day date, last_day date) RETURNS int8multirange
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	zone CONSTANT text := calendar ->> 'time_zone';
BEGIN
	RETURN (
		SELECT coalesce(range_agg(int8range(u.start_us, u.end_us)) FILTER (WHERE u.start_us < u.end_us), '{}')
		FROM generate_series(first_day::timestamp, last_day, interval '1 day') AS d (midnight)
		CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(
			calendar -> 'days' -> to_char(d.midnight, 'YYYY-MM-DD'),
			calendar -> 'weekly' -> to_char(d.midnight, 'dy'))) AS h (hours)
		CROSS JOIN LATERAL (
			SELECT
				kpid.us_of_local(zone, d.midnight + split_part(h.hours, '-', 1)::interval, false) AS start_us,
				kpid.us_of_local(
					zone, d.midnight + split_part(h.hours, '-', 2)::interval, h.hours NOT LIKE '%-24:00') AS end_us
		) u);
END
$body$;
COMMENT ON FUNCTION kpid.calendar_hours(jsonb, date, date) IS 'The hours that a calendar of a policy file works on the dates of its zone, both included.';

CREATE FUNCTION kpid.calendar_hours_for(calendar jsonb, from_us bigint, until_us bigint, work_us bigint)
RETURNS int8multirange
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	next_day date := (kpid.instant_of_us(from_us) AT TIME ZONE 'UTC')::date - 2;
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
COMMENT ON FUNCTION kpid.calendar_hours_for(jsonb, bigint, bigint, bigint) IS 'A calendar''s hours from one instant to another, and so far beyond that as much is worked there as is asked for.';

CREATE FUNCTION kpid.ran(running int8multirange, until_us bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	RETURN (
		SELECT coalesce(sum(upper(r.span) - lower(r.span)), 0)::bigint
		FROM unnest(running * int8multirange(int8range(NULL, until_us))) AS r (span));
END
$body$;
COMMENT ON FUNCTION kpid.ran(int8multirange, bigint) IS 'How much of these times lies before an instant. They have a beginning.';

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
COMMENT ON FUNCTION kpid.run_out(int8multirange, bigint) IS 'The earliest instant by which so much (> 0) of these times has passed; NULL: there is not as much.';

-- Policies (RULES P, S1) -----------------------------------------------------------------------------------------------

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
COMMENT ON FUNCTION kpid.policy_mismatch(jsonb, text[]) IS 'The first attribute, by kpid.history_names, for which a policy''s match does not hold; NULL: it holds.';

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
COMMENT ON FUNCTION kpid.duration_us(text, bigint) IS 'A duration of a policy file (RULES P2).';

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
COMMENT ON TYPE kpid.fold_rule IS 'A target of a policy, ready to be applied; within_us NULL: none. calendar, time_zone: NULL if it never rests. warn_us: before the due time, or once so much has run.';

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
				WHEN right(w.rule, 1) = '%' THEN div(rule.within_us::numeric * rtrim(w.rule, '%')::integer, 100)::bigint
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
COMMENT ON FUNCTION kpid.fold_rule_of(jsonb, jsonb, kpid.fold_rule[], bigint, bigint) IS 'A target of a policy file, with the hours of its calendar for a ticket that was opened at the one instant and to which nothing happens after the other. known: rules of the same ticket and calendars, whose hours may do.';

-- Clocks (RULES S2-S6, S8) ---------------------------------------------------------------------------------------------

CREATE TYPE kpid.fold_pause AS (start_us bigint, end_us bigint, reason text);
COMMENT ON TYPE kpid.fold_pause IS 'A stay in the state paused; end_us NULL: it lasts.';

CREATE TYPE kpid.fold_cycle AS (started_us bigint, resolved_us bigint, resolver_id text, resolution integer, counts boolean);
COMMENT ON TYPE kpid.fold_cycle IS 'A cycle of a ticket. counts: as a resolution for K.';

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
COMMENT ON TYPE kpid.fold_clock IS 'A clock while its ticket is folded. target: by kpid.history_names; policy, rule: in force, once breached those that judged. listed: had a target or a promise at some time. applied_us: when the policy came to apply; seen_us: what warnings came before it is for good: warn_passed are not asked any more, warned_us came. running, due_us and warn_from_us (from when on each warning holds) are what comes if nothing more happens; running NULL: they are to be reckoned. Once breached or stopped, due_us is fixed.';

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
COMMENT ON FUNCTION kpid.rule_running(kpid.fold_rule, kpid.fold_pause[], bigint, bigint) IS 'S3: when a clock of the target runs that starts at an instant; a pause that lasts ends at cut_us (NULL: never).';

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
COMMENT ON FUNCTION kpid.clock_carried(kpid.fold_clock, kpid.fold_pause[], kpid.fold_cycle[]) IS 'S2: what a clock that continues has used in the cycles before.';

CREATE FUNCTION kpid.clock_reaches(c kpid.fold_clock, running int8multirange, left_us bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN left_us > 0 THEN kpid.run_out(running, left_us) ELSE (c).start_us + sign(left_us)::bigint END;
COMMENT ON FUNCTION kpid.clock_reaches(kpid.fold_clock, int8multirange, bigint) IS 'When a clock has run for so long, which before its start it has if that is less than nothing; NULL: it stands in a pause that lasts.';

CREATE FUNCTION kpid.clock_due(c kpid.fold_clock, running int8multirange, carried_us bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN CASE
	WHEN (c).promise_us IS NOT NULL THEN (c).promise_us
	WHEN ((c).rule).within_us IS NOT NULL THEN kpid.clock_reaches(c, running, greatest(((c).rule).within_us - carried_us, 0))
END;
COMMENT ON FUNCTION kpid.clock_due(kpid.fold_clock, int8multirange, bigint) IS 'S2, S3: when it is due; NULL: it has nothing to be judged by, or stands in a pause that lasts.';

CREATE FUNCTION kpid.clock_reckon(c kpid.fold_clock, pauses kpid.fold_pause[], cycles kpid.fold_cycle[])
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
COMMENT ON FUNCTION kpid.clock_reckon(kpid.fold_clock, kpid.fold_pause[], kpid.fold_cycle[]) IS 'S3, S8: when a clock that runs is due and its warnings are, if nothing more happens.';

CREATE FUNCTION kpid.clock_warning(c kpid.fold_clock, i integer) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN CASE
	WHEN i = ANY ((c).warn_passed) THEN NULL
	WHEN (c).warn_from_us[i] < (c).applied_us AND ((c).seen_us = (c).applied_us OR NOT ((c).rule).warn_before[i]) THEN NULL
	WHEN (c).warn_from_us[i] IS NOT NULL THEN greatest((c).warn_from_us[i], (c).seen_us)
END;
COMMENT ON FUNCTION kpid.clock_warning(kpid.fold_clock, integer) IS 'S8: when one of its warnings will be due, if nothing more happens; NULL: it was, is skipped for good, or will not be.';

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
		c := kpid.clock_reckon(c, pauses, cycles);
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
COMMENT ON FUNCTION kpid.clock_pass(kpid.fold_clock, kpid.fold_pause[], kpid.fold_cycle[], bigint) IS 'S8: of a clock that runs, nothing happens before an instant; what warnings come up to there is for good.';

CREATE FUNCTION kpid.clock_judge(
	c kpid.fold_clock, pauses kpid.fold_pause[], cycles kpid.fold_cycle[], policy integer, rule kpid.fold_rule,
	promise_us bigint, at_us bigint
) RETURNS kpid.fold_clock
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	c := kpid.clock_reckon(c, pauses, cycles);
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
	c := kpid.clock_reckon(c, pauses, cycles);
	IF c.due_us < at_us THEN
		c.breached_us := at_us;
		c.cause := 'policy_change';
	END IF;
	RETURN c;
END
$body$;
COMMENT ON FUNCTION kpid.clock_judge(kpid.fold_clock, kpid.fold_pause[], kpid.fold_cycle[], integer, kpid.fold_rule, bigint, bigint) IS 'S6: from an instant on a clock that runs is judged by this policy and promise. No effect once it is breached.';

CREATE FUNCTION kpid.clock_ran(c kpid.fold_clock, pauses kpid.fold_pause[], at_us bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN CASE
	WHEN (c).promise_us IS NOT NULL OR ((c).rule).within_us IS NULL THEN at_us - (c).start_us
	ELSE kpid.ran(kpid.rule_running((c).rule, pauses, (c).start_us, at_us), at_us)
END;
COMMENT ON FUNCTION kpid.clock_ran(kpid.fold_clock, kpid.fold_pause[], bigint) IS 'For how long it has run by an instant, what cycles before have used left out.';

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
COMMENT ON FUNCTION kpid.clock_stop(kpid.fold_clock, kpid.fold_pause[], kpid.fold_cycle[], bigint, text, boolean) IS 'S4: what a clock waits for has happened, by whom; S5 (not is_met): its cycle has ended without that.';

-- The fold (RULES F4-F14) ----------------------------------------------------------------------------------------------

CREATE TYPE kpid.fold_moment AS (at_us bigint, owner_id text, project_id text);
COMMENT ON TYPE kpid.fold_moment IS 'Who owned a ticket from an instant on, and its project.';

CREATE TYPE kpid.fold_survey AS (cycle integer, kind integer, at_us bigint, score numeric, scale numeric, agent_id text);
COMMENT ON TYPE kpid.fold_survey IS 'A survey, in whole millionths.';

CREATE TYPE kpid.fold_kpi AS (agent_id text, at_us bigint, measure text, value bigint);
COMMENT ON TYPE kpid.fold_kpi IS 'What a ticket gives to a figure (RULES K).';

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
	words text[]
);
COMMENT ON TYPE kpid.fold_state IS 'A ticket between two steps. until_us: nothing happens after it; policy: its place in the revision, rules: its targets; promises_us, latest (the clock that started last): by target; kpis: what is for good when it happens; moved: transferred after the first response, in cycle 1; words: what the latest step did.';

CREATE FUNCTION kpid.fold_count(f kpid.fold_state, agent text, at_us bigint, measure text, value bigint)
RETURNS kpid.fold_state
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	f.kpis := array_append(f.kpis, ROW(agent, at_us, measure, value)::kpid.fold_kpi);
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_count(kpid.fold_state, text, bigint, text, bigint) IS 'K: something counts, for an agent at a time.';

CREATE FUNCTION kpid.fold_running(f kpid.fold_state, target integer) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN (f).latest[target] IS NOT NULL AND ((f).clocks[(f).latest[target]]).stopped_us IS NULL;
COMMENT ON FUNCTION kpid.fold_running(kpid.fold_state, integer) IS 'Does a clock of the target run?';

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
COMMENT ON FUNCTION kpid.fold_start(kpid.fold_state, integer, kpid.fold_step) IS 'S2: a clock starts.';

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
COMMENT ON FUNCTION kpid.fold_stop(kpid.fold_state, integer, bigint, text, boolean) IS 'S4, S5: the clock of the target that runs, if there is one, stops.';

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
COMMENT ON FUNCTION kpid.fold_pauses(kpid.fold_state, bigint, bigint, text) IS 'F9: a pause, if there is one, ends; where begins_us is given another begins.';

CREATE FUNCTION kpid.fold_choose(f kpid.fold_state, revision jsonb) RETURNS kpid.fold_state
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
COMMENT ON FUNCTION kpid.fold_choose(kpid.fold_state, jsonb) IS 'S1: the first policy of the revision that the attributes match.';

CREATE FUNCTION kpid.fold_give(f kpid.fold_state, agent text, at_us bigint) RETURNS kpid.fold_state
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
COMMENT ON FUNCTION kpid.fold_give(kpid.fold_state, text, bigint) IS 'F6: an agent gets the ticket; NULL: nobody said so, empty: nobody gets it.';

CREATE FUNCTION kpid.fold_change(f kpid.fold_state, step kpid.fold_step, revision jsonb) RETURNS kpid.fold_state
LANGUAGE plpgsql STABLE
AS $body$
DECLARE
	e CONSTANT kpid.history_event := step.event;
	before CONSTANT kpid.fold_state := f;
	promised boolean := false;
BEGIN
	f := kpid.fold_give(f, e.texts[7], step.at_us);
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
		f := kpid.fold_choose(f, revision);
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
COMMENT ON FUNCTION kpid.fold_change(kpid.fold_state, kpid.fold_step, jsonb) IS 'F5, F6, S6: owner, attributes and promises that a step brings.';

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
COMMENT ON FUNCTION kpid.fold_begin(kpid.fold_state, kpid.fold_step) IS 'F5, F12, S2: a cycle begins.';

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
COMMENT ON FUNCTION kpid.fold_respond(kpid.fold_state, bigint, text) IS 'F7: somebody responds.';

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
COMMENT ON FUNCTION kpid.fold_end(kpid.fold_state, kpid.fold_step, text, boolean) IS 'F10, S5: a cycle is resolved, by a resolution or (F11) by a closing.';

CREATE FUNCTION kpid.fold_reply(f kpid.fold_state, step kpid.fold_step) RETURNS kpid.fold_state
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
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
COMMENT ON FUNCTION kpid.fold_reply(kpid.fold_state, kpid.fold_step) IS 'F9, F13: the requester has written again.';

CREATE FUNCTION kpid.fold_move(f kpid.fold_state, step kpid.fold_step, revision jsonb) RETURNS kpid.fold_state
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
				f := kpid.fold_choose(f, revision);
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
		WHEN 11 THEN
			f.words := ARRAY['survey counts for ' || coalesce(named, f.last_resolver_id, f.owner_id, 'nobody')];
			f.surveys := array_append(f.surveys, ROW(f.cycle, coalesce(e.kind, 1), step.at_us, e.score_micros,
				coalesce(e.scale_max_micros, (ARRAY[5000000, 10000000, 7000000])[coalesce(e.kind, 1)]),
				coalesce(named, f.last_resolver_id, f.owner_id))::kpid.fold_survey);
	END CASE;
	RETURN f;
END
$body$;
COMMENT ON FUNCTION kpid.fold_move(kpid.fold_state, kpid.fold_step, jsonb) IS 'What a step does in a state in which it does something.';

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
			WHEN (step.event).rank = 7 THEN '{paused}'
			WHEN (step.event).rank = 9 THEN '{open,paused,resolved}'
			WHEN (step.event).rank = 10 THEN '{resolved,closed}'
			ELSE '{open,paused}'
		END::text[]) THEN
		RETURN kpid.fold_move(f, step, revision);
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
COMMENT ON FUNCTION kpid.fold_take(kpid.fold_state, kpid.fold_step, jsonb) IS 'Takes one step. The opening is the first of all, if there is one.';

-- What is told, under the names of `kpid explain --json` ------------------------------------------------------------------

CREATE FUNCTION kpid.explain_time(us bigint) RETURNS text
LANGUAGE sql STABLE
RETURN to_char(kpid.instant_of_us(us) AT TIME ZONE 'UTC', CASE
	WHEN us % 1000000 = 0 THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
	WHEN us % 1000 = 0 THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
	ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
END);
COMMENT ON FUNCTION kpid.explain_time(bigint) IS 'The instant in UTC as the program writes it: with as many decimals as it has, of none, 3 and 6.';

CREATE FUNCTION kpid.explain_place(sources jsonb, source_no integer, source_offset bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE
RETURN coalesce(sources -> source_no::text, '{"topic": null, "partition": null}')
	|| jsonb_build_object('offset', source_offset);
COMMENT ON FUNCTION kpid.explain_place(jsonb, integer, bigint) IS 'Where something was read; a source that is not known any more has no name.';

CREATE FUNCTION kpid.explain_scores(micros text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	RETURN (
	SELECT coalesce(jsonb_object_agg(m.key, m.value::numeric * 0.000001), '{}') FROM jsonb_each_text(micros::jsonb) m);
END
$body$;
COMMENT ON FUNCTION kpid.explain_scores(text) IS 'Scores by item, from millionths to what was sent.';

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
					'score', (e).score_micros * 0.000001, 'scale_max', (e).scale_max_micros * 0.000001))
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
RETURN jsonb_build_object(
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
	|| kpid.explain_place(sources, ((step).event).source_no, ((step).event).source_offset);
COMMENT ON FUNCTION kpid.explain_step(text, kpid.fold_step, kpid.fold_state, jsonb, jsonb) IS 'A step and the ticket after it.';

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
COMMENT ON FUNCTION kpid.explain_time_line(kpid.fold_rule, kpid.fold_pause[], bigint, bigint) IS 'When a clock that is judged by a target ran, rested outside its calendar, and stood in a pause. At most 1000 pieces.';

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
		c := kpid.clock_reckon(c, f.pauses, f.cycles);
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
COMMENT ON FUNCTION kpid.explain_kpis(kpid.fold_state, jsonb) IS 'K: what a ticket, with the clocks that kpid.explain_clock has told, gives to which agent and 5 minutes, in whole microseconds and millionths.';

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
COMMENT ON FUNCTION kpid.explain_passed_over(kpid.fold_state, jsonb) IS 'S1: the policies before the one that matches, each with the attribute that did not, and what that is.';

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
	told jsonb;
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
		told := kpid.explain_clock(f.clocks[i], f, revision, as_of_us, sources);
		verdicts[(f.clocks[i]).target] := told ->> 'verdict';
		IF (f.clocks[i]).listed THEN
			clocks := array_append(clocks, told);
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
COMMENT ON FUNCTION kpid.explain_fold(text, bytea, jsonb, timestamptz) IS 'A ticket folded step by step under a revision of the policies, and judged as of an instant.';

-- The interface --------------------------------------------------------------------------------------------------------

CREATE FUNCTION kpid.explain_void(clock jsonb, events jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
	RETURN (
		SELECT CASE
			WHEN clock IS NULL THEN 'what arrived late left no such clock'
			WHEN s.place IS NULL THEN
				'by what arrived late it is due at ' || coalesce(translate(clock ->> 'due_at', 'TZ', ' '), '–')
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
COMMENT ON FUNCTION kpid.explain_void(jsonb, jsonb) IS 'Why a breach that was recorded is none, by the clock as it is now and the events.';

CREATE FUNCTION kpid.explain_alerts(ticket_id text, told jsonb) RETURNS jsonb
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
					'voided_because', CASE WHEN a.state = 'voided' THEN kpid.explain_void((
						SELECT c.clock
						FROM jsonb_array_elements(told -> 'clocks') AS c (clock)
						WHERE c.clock ->> 'target' = a.target AND c.clock -> 'n' = to_jsonb(a.n)), told -> 'events') END,
					'acknowledgements', coalesce((
						SELECT jsonb_agg(to_jsonb(k) ORDER BY k.acknowledged_at)
						FROM report.acknowledgement k
						WHERE k.alert_id = a.alert_id), '[]'),
					'deliveries', coalesce((
						SELECT jsonb_agg(to_jsonb(d) ORDER BY d.receiver)
						FROM report.alert_delivery d
						WHERE d.alert_id = a.alert_id), '[]'))
				ORDER BY a.breached_at, a.target COLLATE "C", a.n), '[]')
		FROM report.alert a
		WHERE a.ticket_id = $1);
END
$body$;
COMMENT ON FUNCTION kpid.explain_alerts(text, jsonb) IS 'What was recorded of a ticket''s breaches and warnings. told: what kpid.explain_fold has told.';

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
COMMENT ON FUNCTION kpid.explain_conflicts(text) IS 'Events of a ticket that lost against another content under the same identity.';

CREATE FUNCTION kpid.explain_record(k kpid.ticket, told jsonb) RETURNS jsonb
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
				told ->> 'state', told -> 'cycle', told ->> 'opened_at', told ->> 'owner', told ->> 'policy',
				told -> 'verdicts' ->> 0, told -> 'verdicts' ->> 3) IS NOT DISTINCT FROM (
				t.state, to_jsonb(t.cycle), kpid.explain_time(kpid.us_of_instant(t.opened_at)), t.agent_id, t.policy,
				t.first_response_verdict, t.resolution_verdict),
		'ticket', to_jsonb(t),
		'cycles', coalesce(
			(SELECT jsonb_agg(to_jsonb(c) ORDER BY c.cycle) FROM report.ticket_cycle c WHERE c.ticket_id = k.ticket_id), '[]'),
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
COMMENT ON FUNCTION kpid.explain_record(kpid.ticket, jsonb) IS 'What was recorded of a ticket, and whether what kpid.explain_fold has told gives the same.';

CREATE OR REPLACE FUNCTION report.explain_ticket(ticket_id text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' SET jit = off
AS $body$
DECLARE
	k kpid.ticket;
	revision jsonb;
	told jsonb;
BEGIN
	SELECT * INTO k FROM kpid.ticket t WHERE t.ticket_id = $1;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	SELECT r.json INTO revision FROM kpid.policy_revision r WHERE r.revision_no = k.revision_no;
	told := kpid.explain_fold(k.ticket_id, k.history, revision, k.as_of);
	RETURN told - 'verdicts' || kpid.explain_record(k, told) || jsonb_build_object(
		'alerts', kpid.explain_alerts(k.ticket_id, told),
		'conflicts', kpid.explain_conflicts(k.ticket_id),
		'policy_text', (
			SELECT p.policy
			FROM jsonb_array_elements(revision -> 'policies') AS p (policy)
			WHERE p.policy ->> 'name' = told ->> 'policy'),
		'calendars', revision -> 'calendars');
END
$body$;
COMMENT ON FUNCTION report.explain_ticket(text) IS 'How a ticket came to its figures, under the names of kpid explain --json: its events in order, each with what it did; its clocks with their time lines, warnings and verdicts; the policies that were passed over; alerts with who took them on and who was told; what it gave to which figures; conflicts. Besides: ticket, cycles and live (the clocks that run), as the views of the report have them; policy_text and calendars, the very text of what judges it; recalculations: who had it judged anew and why. NULL: no such ticket. An error: its history is broken.';

-- As in 0003_roles.sql: nobody reaches them but through the function above, and who writes.
REVOKE ALL ON ALL ROUTINES IN SCHEMA kpid FROM PUBLIC;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA kpid TO kpid_writer;
