-- Inserts the partitions of a topic before they are read: until then no deadline is confirmed. A partition that was added to a
-- topic that is already read begins at its first message, whatever run.start says: no message came before it.
-- $1 topics, $2 partitions
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
