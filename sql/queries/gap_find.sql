-- State of a partition with its newest open gap, if any. Locks the partition against its owner.
-- $1 topic, $2 partition
SELECT p.state, p.next_offset, g.gap_no, g.expected_offset, g.low_offset, g.high_offset
FROM kpid.source_partition p
LEFT JOIN LATERAL (
	SELECT *
	FROM kpid.gap
	WHERE gap.topic = p.topic AND gap.partition = p.partition AND gap.accepted_at IS NULL
	ORDER BY gap.gap_no DESC
	LIMIT 1
) g ON true
WHERE p.topic = $1 AND p.partition = $2::integer
FOR NO KEY UPDATE OF p
