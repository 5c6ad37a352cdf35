-- Marks a file as read to its end with all lines committed, so that it holds back no deadline. Returns its counts. No row:
-- another owner has it now, or the committed offset differs.
-- $1 source_no, $2 epoch, $3 next_offset
UPDATE kpid.source_partition
SET state = 'finished', complete_until = 'infinity', high_offset = next_offset, seen_at = clock_timestamp()
WHERE source_no = $1
	AND epoch = $2
	AND next_offset IS NOT DISTINCT FROM $3
RETURNING n_messages, n_duplicates, n_tombstones, n_unknown_type, n_dead_letters
