-- Adds up what mappings did with the records of sources. A source whose mapping or version has changed gets another row, from the
-- first offset that this one reads.
-- $1 source_nos, $2 mappings, $3 versions, $4 from_offsets, $5 ns_records, $6 ns_events, $7 ns_skipped, $8 ns_tombstones,
-- $9 ns_rejected, $10 ns_failed_in_row, $11 at
INSERT INTO kpid.mapping_use AS u
	(source_no, from_offset, mapping, version, n_records, n_events, n_skipped, n_tombstones, n_rejected, n_failed_in_row,
		first_at, last_at)
SELECT g.source_no, coalesce(l.from_offset, g.from_offset), g.mapping, g.version, g.n_records, g.n_events, g.n_skipped,
	g.n_tombstones, g.n_rejected, g.n_failed_in_row, g.at, g.at
FROM unnest($1::integer[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
	$10::bigint[], $11::timestamptz[]) AS g (source_no, mapping, version, from_offset, n_records, n_events, n_skipped, n_tombstones,
	n_rejected, n_failed_in_row, at)
LEFT JOIN LATERAL (
	SELECT k.from_offset, k.mapping, k.version
	FROM kpid.mapping_use k
	WHERE k.source_no = g.source_no AND k.from_offset <= g.from_offset
	ORDER BY k.from_offset DESC
	LIMIT 1
) l ON l.mapping = g.mapping AND l.version = g.version
ON CONFLICT (source_no, from_offset) DO UPDATE SET
	mapping = EXCLUDED.mapping,
	version = EXCLUDED.version,
	n_records = u.n_records + EXCLUDED.n_records,
	n_events = u.n_events + EXCLUDED.n_events,
	n_skipped = u.n_skipped + EXCLUDED.n_skipped,
	n_tombstones = u.n_tombstones + EXCLUDED.n_tombstones,
	n_rejected = u.n_rejected + EXCLUDED.n_rejected,
	n_failed_in_row = EXCLUDED.n_failed_in_row,
	last_at = EXCLUDED.last_at
