-- A file that was read to its end: it holds no deadline back any more. Returns what was counted.
UPDATE kpid.source_partition
SET state = 'finished', complete_until = 'infinity', high_offset = next_offset, seen_at = clock_timestamp()
WHERE source_no = $1 AND epoch = $2
RETURNING n_messages, n_duplicates, n_tombstones, n_unknown_type, n_dead_letters
