-- What the owner knows of its partitions without having read anything: that they were at their end at an
-- instant, and how long they are. Only while nothing moved meanwhile.
UPDATE kpid.source_partition p
SET complete_until = greatest(p.complete_until, mine.at_end),
	high_offset = mine.high_offset,
	seen_at = CASE WHEN mine.at_end IS NULL THEN p.seen_at ELSE clock_timestamp() END
FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::bigint[])
	AS mine (source_no, epoch, next_offset, at_end, high_offset)
WHERE p.source_no = mine.source_no
	AND p.epoch = mine.epoch
	AND p.next_offset IS NOT DISTINCT FROM mine.next_offset
