-- Stops a partition at a gap and records the gap.
-- $1 source_no, $2 epoch, $3 reason
-- $4 expected_offset, $5 low_offset, $6 high_offset
WITH stopped AS (
	UPDATE kpid.source_partition
	SET state = 'stopped', state_reason = $3
	WHERE source_no = $1 AND epoch = $2 AND state = 'running'
	RETURNING topic, partition
)
INSERT INTO kpid.gap (topic, partition, expected_offset, low_offset, high_offset, reason)
SELECT topic, partition, $4, $5, $6, $3
FROM stopped
