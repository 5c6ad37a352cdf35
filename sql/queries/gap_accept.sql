-- Resumes a stopped partition at an offset and records who accepted the loss. The raised epoch makes the owner read this row
-- again. The fingerprints are cleared: they belong to messages before the gap.
-- $1 topic, $2 partition, $3 gap_no
-- $4 resume_offset, $5 by
WITH moved AS (
	UPDATE kpid.source_partition p
	SET state = 'running',
		state_reason = NULL,
		next_offset = $4::bigint,
		last_fingerprint = NULL,
		checked_offset = NULL,
		checked_fingerprint = NULL,
		read_to = NULL,
		held_since = NULL,
		epoch = epoch + 1,
		heartbeat_no = NULL,
		complete_until = greatest(p.complete_until, (
			SELECT kpid.vouched_until(h.complete_until, h.except_nos, h.except_until, p.source_no)
			FROM kpid.heartbeat h
			WHERE h.heartbeat_no = p.heartbeat_no
			FOR SHARE
		))
	WHERE topic = $1 AND partition = $2::integer AND state = 'stopped'
	RETURNING topic
)
UPDATE kpid.gap
SET accepted_at = clock_timestamp(),
	accepted_by = $5,
	resumed_at_offset = $4::bigint
WHERE gap_no = $3::bigint AND accepted_at IS NULL AND EXISTS (SELECT FROM moved)
