-- Marks messages that the broker has acknowledged.
UPDATE kpid.dead_letter d
SET requeued_at = clock_timestamp()
FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS sent (topic, partition, "offset")
WHERE d.topic = sent.topic AND d.partition = sent.partition AND d."offset" = sent."offset"
