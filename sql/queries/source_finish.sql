-- A file that was read to its end, with all of its lines committed: it holds no deadline back any more. Returns what
-- was counted. No row: it has another owner since, or does not end at $3 as committed, so not all of it is here.
UPDATE kpid.source_partition
SET state = 'finished', complete_until = 'infinity', high_offset = next_offset, seen_at = clock_timestamp()
WHERE source_no = $1
	AND epoch = $2
	AND next_offset IS NOT DISTINCT FROM $3
RETURNING n_messages, n_duplicates, n_tombstones, n_unknown_type, n_dead_letters
