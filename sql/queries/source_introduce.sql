-- Makes the partitions of a topic known before anybody has read them: until then nothing is complete.
INSERT INTO kpid.source_partition (topic, partition, epoch, owner)
SELECT t.topic, t.partition, 0, ''
FROM unnest($1::text[], $2::integer[]) AS t (topic, partition)
ORDER BY t.topic, t.partition
ON CONFLICT (topic, partition) DO NOTHING
