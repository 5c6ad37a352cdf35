-- Mappings whose latest records were all rejected: most likely their help desk has changed.
-- $1 in_row
SELECT 'warn' AS level,
	'the last ' || m.failed_in_row || ' records of the mapping ' || m.mapping || ' were rejected' || coalesce((
		SELECT ', the latest one with: ' || left(d.detail, 200)
		FROM kpid.dead_letter d
		WHERE d.mapping = m.mapping AND d.reason NOT IN ('id_conflict', 'too_many')
		ORDER BY d.read_at DESC
		LIMIT 1
	), '') AS what,
	'correct the mapping, reload all instances, then kpid dlq requeue' AS advice
FROM report.mapping m
WHERE m.failed_in_row >= $1::bigint
ORDER BY m.mapping
