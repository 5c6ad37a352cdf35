-- Moves the offsets of a batch and adds its counts. Same conditions as in offset_lock.sql. Clears read_to, which says nothing about
-- what follows the new offset: in the same log it lies before, and otherwise it belongs to a former log.
-- $1 source_nos, $2 epochs, $3 begin_offsets, $4 next_offsets
-- $5 fingerprints, $6 high_offsets, $7 complete_until, $8 last_event_at
-- $9 n_messages, $10 n_duplicates, $11 n_tombstones, $12 n_unknown_type, $13 n_dead_letters
-- $14 checked_offsets, $15 checked_fingerprints, $16 unknown_types
-- $17 vouched_until: the latest time for which a heartbeat of the owner has vouched for the partition
-- $18 ends_seen_at: when the brokers were asked for high_offsets
-- $19 n_passed_over
UPDATE kpid.source_partition p
SET next_offset = mine.next_offset,
	last_fingerprint = mine.fingerprint,
	checked_offset = mine.checked_offset,
	checked_fingerprint = mine.checked_fingerprint,
	read_to = NULL,
	high_offset = coalesce(mine.high_offset, p.high_offset),
	held_since = NULL,
	complete_until = kpid.not_ahead(greatest(p.complete_until, mine.vouched_until), clock_timestamp(), mine.complete_until),
	last_event_at = greatest(p.last_event_at, mine.last_event_at),
	heartbeat_no = NULL,
	end_seen_at = nullif(kpid.not_ahead(greatest(p.end_seen_at, mine.vouched_until), clock_timestamp(), mine.end_seen_at), '-infinity'),
	seen_at = clock_timestamp(),
	committed_at = clock_timestamp(),
	n_messages = p.n_messages + mine.n_messages,
	n_duplicates = p.n_duplicates + mine.n_duplicates,
	n_tombstones = p.n_tombstones + mine.n_tombstones,
	n_unknown_type = p.n_unknown_type + mine.n_unknown_type,
	n_dead_letters = p.n_dead_letters + mine.n_dead_letters,
	n_passed_over = p.n_passed_over + mine.n_passed_over,
	unknown_type = coalesce(mine.unknown_type, p.unknown_type)
FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
	$7::timestamptz[], $8::timestamptz[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
	$14::bigint[], $15::bigint[], $16::text[], $17::timestamptz[], $18::timestamptz[], $19::bigint[])
	AS mine (source_no, epoch, begin_offset, next_offset, fingerprint, high_offset,
		complete_until, last_event_at, n_messages, n_duplicates, n_tombstones, n_unknown_type, n_dead_letters,
		checked_offset, checked_fingerprint, unknown_type, vouched_until, end_seen_at, n_passed_over)
WHERE p.source_no = mine.source_no
	AND p.epoch = mine.epoch
	AND p.next_offset IS NOT DISTINCT FROM mine.begin_offset
