-- Stores dead letters. A message that was stored before (read again after its row was committed) keeps its row. A writer that
-- does not know the name of a partition gives '?' as topic and the source_no as partition.
-- $1 rows
INSERT INTO kpid.dead_letter
	(topic, partition, "offset", reason, detail, value, headers, conflict_sha256, read_at, requeued_at, mapping,
		mapping_version)
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
	d.requeued_at,
	d.mapping,
	d.mapping_version
FROM unnest($1::kpid.dead_letter[]) d
LEFT JOIN kpid.source_partition s ON d.topic = '?' AND s.source_no = d.partition
ON CONFLICT DO NOTHING
