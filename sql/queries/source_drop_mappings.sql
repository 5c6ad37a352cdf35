-- Forgets what mappings did with the records of topics whose events are all of the removed source. Locks the partitions as a batch
-- does.
-- $1 topics
WITH place AS MATERIALIZED (
	SELECT p.source_no
	FROM kpid.source_partition p
	WHERE p.topic = ANY ($1::text[])
	ORDER BY p.source_no
	FOR NO KEY UPDATE
), used AS (
	DELETE FROM kpid.mapping_use u
	USING place p
	WHERE u.source_no = p.source_no
)
DELETE FROM kpid.mapping_skip s
USING place p
WHERE s.source_no = p.source_no
