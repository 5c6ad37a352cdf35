-- Takes ownership of partitions and returns where to resume. The raised epoch fences the former owner. Waits for that owner's
-- open transaction; locks in the order of offset_lock.sql to avoid a deadlock with it. What the former owner's heartbeat knew goes
-- to the row; the lock on the heartbeat makes sure that nobody has read a later time from it.
-- $1 topics, $2 partitions, $3 owner
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
	complete_until = greatest(p.complete_until, (
		SELECT kpid.vouched_until(h.complete_until, h.except_nos, h.except_until, p.source_no)
		FROM kpid.heartbeat h
		WHERE h.heartbeat_no = p.heartbeat_no
		FOR SHARE
	)),
	heartbeat_no = NULL,
	released_at = NULL,
	state = CASE WHEN p.state = 'finished' THEN 'running' ELSE p.state END
RETURNING topic, partition, source_no, epoch, next_offset, last_fingerprint, state, state_reason,
	coalesce(checked_offset, next_offset - 1) AS checked_offset, coalesce(checked_fingerprint, last_fingerprint) AS checked_fingerprint
