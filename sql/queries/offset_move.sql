-- Moves the offsets of a batch, with what was counted on the way. The conditions of offset_lock.sql again.
UPDATE kpid.source_partition p
SET next_offset = mine.next_offset,
	last_fingerprint = mine.fingerprint,
	checked_offset = mine.checked_offset,
	checked_fingerprint = mine.checked_fingerprint,
	high_offset = coalesce(mine.high_offset, p.high_offset),
	held_since = NULL,
	complete_until = kpid.not_ahead(p.complete_until, clock_timestamp(), mine.complete_until),
	last_event_at = greatest(p.last_event_at, mine.last_event_at),
	seen_at = clock_timestamp(),
	committed_at = clock_timestamp(),
	n_messages = p.n_messages + mine.n_messages,
	n_duplicates = p.n_duplicates + mine.n_duplicates,
	n_tombstones = p.n_tombstones + mine.n_tombstones,
	n_unknown_type = p.n_unknown_type + mine.n_unknown_type,
	n_dead_letters = p.n_dead_letters + mine.n_dead_letters,
	unknown_type = coalesce(mine.unknown_type, p.unknown_type)
FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
	$7::timestamptz[], $8::timestamptz[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
	$14::bigint[], $15::bigint[], $16::text[])
	AS mine (source_no, epoch, begin_offset, next_offset, fingerprint, high_offset,
		complete_until, last_event_at, n_messages, n_duplicates, n_tombstones, n_unknown_type, n_dead_letters,
		checked_offset, checked_fingerprint, unknown_type)
WHERE p.source_no = mine.source_no
	AND p.epoch = mine.epoch
	AND p.next_offset IS NOT DISTINCT FROM mine.begin_offset
