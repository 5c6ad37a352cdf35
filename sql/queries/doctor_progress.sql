-- Where each partition of the topics $1 stands, and whose it is.
SELECT topic, partition, next_offset, owner, seen_at, complete_until, clock_timestamp()
FROM kpid.source_partition
WHERE topic = ANY ($1::text[]) AND state <> 'finished'
ORDER BY topic, partition
