-- Stops a partition at a gap, and records the gap once.
WITH stopped AS (
	UPDATE kpid.source_partition
	SET state = 'stopped', state_reason = $3
	WHERE source_no = $1 AND epoch = $2 AND state = 'running'
	RETURNING topic, partition
)
INSERT INTO kpid.gap (topic, partition, expected_offset, low_offset, high_offset, reason)
SELECT topic, partition, $4, $5, $6, $3
FROM stopped
