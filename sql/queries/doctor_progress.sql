-- Offset, owner and watermark of each partition of some topics.
-- $1 topics
SELECT topic, partition, next_offset, owner, seen_at, complete_until, clock_timestamp() AS now
FROM kpid.source_known
WHERE topic = ANY ($1::text[]) AND state <> 'finished'
ORDER BY topic, partition
