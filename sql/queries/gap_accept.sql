-- Lets a partition go on at an offset ($4), and says who accepted the loss ($5). The higher epoch tells its
-- owner to read this row again; the fingerprints were of messages before the gap.
WITH moved AS (
	UPDATE kpid.source_partition
	SET state = 'running',
		state_reason = NULL,
		next_offset = $4::bigint,
		last_fingerprint = NULL,
		checked_offset = NULL,
		checked_fingerprint = NULL,
		read_to = NULL,
		held_since = NULL,
		epoch = epoch + 1
	WHERE topic = $1 AND partition = $2::integer AND state = 'stopped'
	RETURNING topic
)
UPDATE kpid.gap
SET accepted_at = clock_timestamp(),
	accepted_by = $5,
	resumed_at_offset = $4::bigint
WHERE gap_no = $3::bigint AND accepted_at IS NULL AND EXISTS (SELECT FROM moved)
