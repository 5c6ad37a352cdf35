-- Messages that are no event. One that is there already (read again after its row was written) stays as it is.
-- Where the writer does not know a partition by name, its topic is '?' and its partition is the source_no.
INSERT INTO kpid.dead_letter
	(topic, partition, "offset", reason, detail, value, headers, conflict_sha256, read_at, requeued_at)
SELECT
	coalesce(s.topic, d.topic),
	coalesce(s.partition, d.partition),
	d."offset",
	d.reason,
	d.detail,
	d.value,
	d.headers,
	d.conflict_sha256,
	d.read_at,
	d.requeued_at
FROM unnest($1::kpid.dead_letter[]) d
LEFT JOIN kpid.source_partition s ON d.topic = '?' AND s.source_no = d.partition
ON CONFLICT DO NOTHING
