-- The partitions of topics that are read.
-- $1 topics
SELECT topic, partition, state
FROM kpid.source_partition
WHERE topic = ANY ($1::text[])
	AND state <> 'finished'
ORDER BY topic, partition
