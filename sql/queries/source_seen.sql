-- What the owner knows of its partitions without having read anything: that they were at their end at an
-- instant, how long they are, up to where they were read, whether they were heard of: at their end, or waiting their
-- turn behind others, and whether an open transaction holds them up.
-- Only while nothing moves: a row that a batch has locked is left alone, as the batch brings news itself, and
-- waiting for it in another order than it locks in could end in a deadlock.
WITH still AS (
	SELECT p.source_no, mine.at_end, mine.high_offset, mine.read_to, mine.heard, mine.held
	FROM kpid.source_partition p
	JOIN unnest($1::integer[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::bigint[],
		$6::bigint[], $7::boolean[], $8::boolean[])
		AS mine (source_no, epoch, next_offset, at_end, high_offset, read_to, heard, held)
		ON p.source_no = mine.source_no
		AND p.epoch = mine.epoch
		AND p.next_offset IS NOT DISTINCT FROM mine.next_offset
	ORDER BY p.source_no
	FOR NO KEY UPDATE OF p SKIP LOCKED
)
UPDATE kpid.source_partition p
SET complete_until = kpid.not_ahead(p.complete_until, clock_timestamp(), still.at_end),
	high_offset = still.high_offset,
	read_to = coalesce(still.read_to, p.read_to),
	held_since = CASE WHEN still.held THEN coalesce(p.held_since, clock_timestamp()) END,
	seen_at = CASE WHEN still.heard THEN clock_timestamp() ELSE p.seen_at END
FROM still
WHERE p.source_no = still.source_no
