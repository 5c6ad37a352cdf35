-- What mappings did with the records of topics and files, which letters they rejected, and which mapping an event comes from.

CREATE TABLE kpid.mapping_use (
	source_no integer NOT NULL REFERENCES kpid.source_partition (source_no) ON DELETE CASCADE,
	from_offset bigint NOT NULL,
	mapping text COLLATE "C" NOT NULL,
	version text COLLATE "C" NOT NULL,
	n_records bigint NOT NULL,
	n_events bigint NOT NULL,
	n_skipped bigint NOT NULL,
	n_tombstones bigint NOT NULL,
	n_rejected bigint NOT NULL,
	n_failed_in_row bigint NOT NULL,
	first_at timestamptz NOT NULL,
	last_at timestamptz NOT NULL,
	PRIMARY KEY (source_no, from_offset)
) WITH (fillfactor = 50);
COMMENT ON TABLE kpid.mapping_use IS 'Which mapping has read a source, from which offset on: up to the next row of the source. Written in the transaction that moves the offsets, so its counts are exact.';
COMMENT ON COLUMN kpid.mapping_use.version IS 'SHA-256 of the text of the mapping, in hexadecimal.';
COMMENT ON COLUMN kpid.mapping_use.n_failed_in_row IS 'How many records the mapping had rejected in a row, of all partitions of that instance, after its last record here.';

CREATE TABLE kpid.mapping_skip (
	source_no integer NOT NULL REFERENCES kpid.source_partition (source_no) ON DELETE CASCADE,
	mapping text COLLATE "C" NOT NULL,
	reason text COLLATE "C" NOT NULL,
	n bigint NOT NULL,
	PRIMARY KEY (source_no, mapping, reason)
) WITH (fillfactor = 50);
COMMENT ON TABLE kpid.mapping_skip IS 'Records that a mapping passed over, by the reason that it gave. A process counts 100 reasons by themselves, and the rest as "other".';

GRANT SELECT, INSERT, UPDATE ON kpid.mapping_use, kpid.mapping_skip TO kpid_writer;

CREATE VIEW report.mapping AS
SELECT
	u.mapping,
	(array_agg(u.version ORDER BY u.last_at DESC))[1] AS version,
	sum(u.n_records)::bigint AS n_records,
	sum(u.n_events)::bigint AS n_events,
	sum(u.n_skipped)::bigint AS n_skipped,
	sum(u.n_tombstones)::bigint AS n_tombstones,
	sum(u.n_rejected)::bigint AS n_rejected,
	(array_agg(u.n_failed_in_row ORDER BY u.last_at DESC))[1] AS failed_in_row,
	coalesce((
		SELECT string_agg(s.reason || ': ' || s.n, '; ' ORDER BY s.n DESC, s.reason)
		FROM (SELECT k.reason, sum(k.n) AS n FROM kpid.mapping_skip k WHERE k.mapping = u.mapping GROUP BY k.reason) s
	), '') AS skips,
	min(u.first_at) AS first_record_at,
	max(u.last_at) AS last_record_at
FROM kpid.mapping_use u
GROUP BY u.mapping;
COMMENT ON VIEW report.mapping IS 'One row per mapping: what happened to the records that it read, in topics and files.';
COMMENT ON COLUMN report.mapping.mapping IS 'Name: of its section [map NAME], or of its file without .lua.';
COMMENT ON COLUMN report.mapping.version IS 'SHA-256 of its text, in hexadecimal, when it read its last record.';
COMMENT ON COLUMN report.mapping.n_records IS 'Records that it read. A record that was read twice counts twice.';
COMMENT ON COLUMN report.mapping.n_events IS 'Events that they gave, duplicates included.';
COMMENT ON COLUMN report.mapping.n_skipped IS 'Records that it passed over, see skips.';
COMMENT ON COLUMN report.mapping.n_tombstones IS 'Records without a value.';
COMMENT ON COLUMN report.mapping.n_rejected IS 'Records that became dead letters, see report.dead_letter.';
COMMENT ON COLUMN report.mapping.failed_in_row IS 'How many of its latest records were rejected, without any that was not: 100 or more mean that the mapping no longer fits its records.';
COMMENT ON COLUMN report.mapping.skips IS 'Number of records that it passed over, by reason, most first: "note: 12; other: 3".';
COMMENT ON COLUMN report.mapping.first_record_at IS 'When it read its first record.';
COMMENT ON COLUMN report.mapping.last_record_at IS 'When it read its last record.';

INSERT INTO kpid.readme (object, grain, time_column, example)
VALUES ('report.mapping', 'mapping', 'last_record_at', 'SELECT mapping, n_records, n_events, n_rejected, failed_in_row FROM report.mapping');

-- Dead letters name the mapping that rejected them --------------------------------------------------------------------

ALTER TABLE kpid.dead_letter
	ADD COLUMN mapping text COLLATE "C",
	ADD COLUMN mapping_version text COLLATE "C";
COMMENT ON COLUMN kpid.dead_letter.mapping IS 'The mapping that rejected the record; NULL: none did.';
COMMENT ON COLUMN kpid.dead_letter.mapping_version IS 'SHA-256 of its text, in hexadecimal.';
CREATE INDEX dead_letter_mapped ON kpid.dead_letter (read_at) WHERE mapping IS NOT NULL;

CREATE OR REPLACE VIEW report.dead_letter AS
SELECT
	d.topic,
	d.partition,
	d."offset",
	d.reason,
	d.detail,
	(
		SELECT coalesce(string_agg(
			CASE
				WHEN v.byte = 92 THEN '\\'
				WHEN v.byte BETWEEN 32 AND 126 THEN chr(v.byte)
				ELSE '\' || (v.byte >> 6)::text || (v.byte >> 3 & 7)::text || (v.byte & 7)::text
			END, '' ORDER BY v.i), '')
		FROM (
			SELECT i, get_byte(d.value, i) AS byte
			FROM generate_series(0, least(length(d.value), 200) - 1) AS i
		) v
	) AS first_bytes,
	length(d.value) AS length_bytes,
	d.read_at,
	d.requeued_at,
	d.mapping,
	d.mapping_version
FROM kpid.dead_letter d;
COMMENT ON COLUMN report.dead_letter.reason IS 'too_large, too_deep, not_json, not_an_object, missing_field, bad_time, bad_value, future, id_conflict or too_many; of records that a mapping reads also map_error, map_limit or map_nothing.';
COMMENT ON COLUMN report.dead_letter.length_bytes IS 'Length of the message in bytes; of a record that a mapping reads, at most 65,536.';
COMMENT ON COLUMN report.dead_letter.mapping IS 'The mapping that rejected the record; NULL: none did.';
COMMENT ON COLUMN report.dead_letter.mapping_version IS 'SHA-256 of the text of that mapping, in hexadecimal.';

CREATE FUNCTION kpid.expire_dead_letters(days integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
	WITH gone AS (
		DELETE FROM kpid.dead_letter d
		WHERE d.letter_no IN (
			SELECT o.letter_no
			FROM kpid.dead_letter o
			WHERE o.mapping IS NOT NULL AND o.read_at < clock_timestamp() - greatest($1, 1) * interval '1 day'
			ORDER BY o.read_at
			LIMIT 1000
			FOR UPDATE SKIP LOCKED
		)
		RETURNING 1
	)
	SELECT count(*) FROM gone
$body$;
COMMENT ON FUNCTION kpid.expire_dead_letters(integer) IS 'Deletes up to 1,000 dead letters of mapped records that are older than that, and never younger ones than a day: they hold whole letters of customers. Returns their number.';
REVOKE ALL ON FUNCTION kpid.expire_dead_letters(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpid.expire_dead_letters(integer) TO kpid_writer;

-- Explanations ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION kpid.explain_mapping(source_no integer, source_offset bigint) RETURNS jsonb
LANGUAGE sql STABLE
AS $body$
	SELECT coalesce((
		SELECT jsonb_build_object('mapping', u.mapping, 'mapping_version', u.version)
		FROM kpid.mapping_use u
		WHERE u.source_no = $1 AND u.from_offset <= $2
		ORDER BY u.from_offset DESC
		LIMIT 1
	), '{"mapping": null, "mapping_version": null}')
$body$;
COMMENT ON FUNCTION kpid.explain_mapping(integer, bigint) IS 'The mapping that made the events of a record.';
REVOKE ALL ON FUNCTION kpid.explain_mapping(integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpid.explain_mapping(integer, bigint) TO kpid_writer;

CREATE OR REPLACE FUNCTION kpid.explain_step(ticket_id text, step kpid.fold_step, f kpid.fold_state, revision jsonb, sources jsonb)
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
		|| kpid.explain_mapping(((step).event).source_no, ((step).event).source_offset)
$body$;
