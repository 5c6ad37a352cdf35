-- Makes the partitions of a topic known before anybody has read them: until then nothing is complete. One that was added to
-- a topic that is read begins at its first message, wherever run.start has the others begin: nothing was there before.
INSERT INTO kpid.source_partition (topic, partition, epoch, owner, next_offset)
SELECT
	t.topic,
	t.partition,
	0,
	'',
	CASE WHEN EXISTS (SELECT FROM kpid.source_partition k WHERE k.topic = t.topic AND k.next_offset IS NOT NULL) THEN 0 END
FROM unnest($1::text[], $2::integer[]) AS t (topic, partition)
ORDER BY t.topic, t.partition
ON CONFLICT (topic, partition) DO NOTHING
