-- Sets partitions back to an offset. The raised epoch fences their owners, which claim them again and read from there; a batch that is
-- being written is waited for. How far their time was known is forgotten: no deadline is found before they are read again.
-- $1 topics, $2 partitions, $3 offsets
WITH place AS (
	SELECT p.source_no, m.next_offset
	FROM kpid.source_partition p
	JOIN unnest($1::text[], $2::integer[], $3::bigint[]) AS m (topic, partition, next_offset)
		ON m.topic = p.topic AND m.partition = p.partition
	WHERE p.state = 'running'
	ORDER BY p.source_no
	FOR NO KEY UPDATE OF p
)
UPDATE kpid.source_partition p
SET next_offset = place.next_offset,
	last_fingerprint = NULL,
	checked_offset = NULL,
	checked_fingerprint = NULL,
	read_to = NULL,
	held_since = NULL,
	end_seen_at = NULL,
	complete_until = '-infinity',
	heartbeat_no = NULL,
	epoch = p.epoch + 1
FROM place
WHERE p.source_no = place.source_no
