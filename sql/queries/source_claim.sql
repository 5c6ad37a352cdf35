-- Makes partitions mine: raises their epochs, so that whoever owned them before can commit nothing more, and
-- tells where to go on. Waits for a transaction of the former owner that is under way; in the order in which
-- that locks (offset_lock.sql), lest the two wait for each other.
INSERT INTO kpid.source_partition AS p (topic, partition, epoch, owner)
SELECT t.topic, t.partition, 1, $3
FROM unnest($1::text[], $2::integer[]) AS t (topic, partition)
LEFT JOIN kpid.source_partition known ON known.topic = t.topic AND known.partition = t.partition
ORDER BY known.source_no, t.topic, t.partition
ON CONFLICT (topic, partition) DO UPDATE
SET epoch = p.epoch + 1,
	owner = EXCLUDED.owner,
	claimed_at = clock_timestamp(),
	seen_at = clock_timestamp(),
	held_since = NULL,
	state = CASE WHEN p.state = 'finished' THEN 'running' ELSE p.state END
RETURNING topic, partition, source_no, epoch, next_offset, last_fingerprint, state, state_reason,
	coalesce(checked_offset, next_offset - 1), coalesce(checked_fingerprint, last_fingerprint)
