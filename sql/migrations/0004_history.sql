-- Unpacks the history of a ticket for report.explain_ticket, as daemon/core/ticket/history.c does in C.
-- Times are microseconds since 1970, as in the history.
-- A NULL text is absent; an empty text clears the field (rule F5).

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
	scale_max_micros bigint,
	answers_scale_micros bigint
);
COMMENT ON TYPE kpid.history_event IS 'An event as the history stores it. rank: of its type (rule F1). texts, times: in the order of kpid.history_names. resolution, kind: numbers of include/kpid/core/event.h. NULL: absent.';

CREATE FUNCTION kpid.history_names(what text) RETURNS text[]
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT CASE what
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
	END
$body$;
COMMENT ON FUNCTION kpid.history_names(text) IS 'Names for the numbers in a history, in the order of the enums of include/kpid/core/event.h and policy.h. types: indexed by rank + 1.';

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
COMMENT ON FUNCTION kpid.history_number(bytea, integer) IS 'Reads a LEB128 number at a position and returns the position after it. signed: the zigzag-decoded value. Numbers have 64 bits; a negative plain value was too large for a bigint.';

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
COMMENT ON FUNCTION kpid.history_bytes(bytea, integer, bigint) IS 'Reads n bytes of a history at a position.';

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
COMMENT ON FUNCTION kpid.history_text(bytea, text[], integer) IS 'Reads a text of a history at a position and returns the position after it. memory: the literals so far; a text can refer to the last 64; a new literal is appended.';

CREATE FUNCTION kpid.history_events(history bytea, most integer DEFAULT NULL) RETURNS SETOF kpid.history_event
LANGUAGE plpgsql IMMUTABLE
AS $body$
DECLARE
	bytes CONSTANT bytea := history || ''::bytea; -- detoasted once, not for each byte
	times CONSTANT int8range := '[631152000000000,7289654400000000)'; -- 1990 to 2200, rule E5
	at integer := 1;
	head integer;
	fields bigint;
	number record;
	item record;
	memory text[] := '{}';
	event kpid.history_event;
	before_us bigint := 0;
	n integer := 0;
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
		item := kpid.history_text(bytes, memory, number.at);
		event.source := item.word;
		memory := item.memory;
		item := kpid.history_text(bytes, memory, item.at);
		event.id := item.word; -- not added to memory: an id is unique
		number := kpid.history_number(bytes, item.at);
		event.source_no := number.signed;
		number := kpid.history_number(bytes, number.at);
		event.source_offset := number.signed;
		at := number.at;
		IF head & 16 <> 0 THEN
			item := kpid.history_text(bytes, memory, at);
			event.sequence := item.word;
			at := item.at;
			memory := item.memory;
		END IF;
		number := kpid.history_number(bytes, at);
		at := number.at;
		fields := number.plain;
		IF event.rank > 11 OR NOT times @> event.occurred_us OR fields NOT BETWEEN 0 AND 2047 THEN
			RAISE data_corrupted;
		END IF;
		FOR i IN 1 .. 11 LOOP
			CONTINUE WHEN fields >> (i - 1) & 1 = 0;
			item := kpid.history_text(bytes, memory, at);
			event.texts[i] := item.word;
			at := item.at;
			memory := item.memory;
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
			IF fields & 7 > 4 OR fields >> 3 & 3 > 2 THEN
				RAISE data_corrupted;
			END IF;
			event.resolution := nullif(fields & 7, 0);
			event.automatic := nullif(fields >> 3 & 3, 0) = 2;
			event.kind := nullif(fields >> 5 & 3, 0);
			IF fields & 128 <> 0 THEN
				number := kpid.history_number(bytes, at);
				event.answers_scale_micros := number.signed;
				at := number.at;
				IF event.answers_scale_micros <= 0 THEN
					RAISE data_corrupted;
				END IF;
			END IF;
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
		n := n + 1;
		EXIT WHEN n = most;
	END LOOP;
EXCEPTION
	WHEN data_corrupted OR array_subscript_error OR numeric_value_out_of_range OR character_not_in_repertoire
		OR untranslatable_character THEN
		RAISE data_corrupted USING
			MESSAGE = format('broken history: invalid event at byte %s of %s', at, octet_length(bytes)),
			HINT = 'Restore the row of that ticket in kpid.ticket; "kpid verify" lists all broken histories.';
END
$body$;
COMMENT ON FUNCTION kpid.history_events(bytea, integer) IS 'The events of a packed history (kpid.ticket.history) in order, at most the given number (NULL: all). Raises data_corrupted for bytes that are no history, or for a format that this version does not know.';

-- From events to steps (rules F1-F3) -----------------------------------------------------------------------------------

CREATE TYPE kpid.fold_step AS (
	event kpid.history_event,
	at_us bigint,
	derived boolean
);
COMMENT ON TYPE kpid.fold_step IS 'An event in the fold: at_us is its time by rule F2; derived: taken from a closing event (F3).';

CREATE FUNCTION kpid.event_from_closing(closing kpid.history_event, rank integer, at_us bigint) RETURNS kpid.history_event
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT ROW(
			rank, at_us, (closing).sequence, (closing).source, (closing).id, (closing).source_no, (closing).source_offset,
			ARRAY[NULL, NULL, NULL, NULL, NULL, NULL, (closing).texts[7]], '{}',
			CASE WHEN rank = 8 THEN (closing).resolution END, NULL, NULL, NULL, NULL, NULL)::kpid.history_event
$body$;
COMMENT ON FUNCTION kpid.event_from_closing(kpid.history_event, integer, bigint) IS 'The opening, response or resolution (by rank) that a closing event implies (F3).';

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
				SELECT kpid.event_from_closing(g.event, 0, (g.event).times[1]), g.place, true
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
			SELECT kpid.event_from_closing(g.event, t.rank, t.at_us), 1, true
			FROM given g
			CROSS JOIN LATERAL (VALUES (4, (g.event).times[2]), (8, (g.event).times[3])) AS t (rank, at_us)
			WHERE (g.event).rank = 9 AND t.at_us <= (g.event).occurred_us
		) s
		LEFT JOIN opening o ON true
		ORDER BY
			s.part, (s.event).occurred_us, (s.event).sequence, (s.event).rank, (s.event).source, (s.event).id;
END
$body$;
COMMENT ON FUNCTION kpid.fold_steps(bytea) IS 'The steps of a history, in the order in which they are folded.';
