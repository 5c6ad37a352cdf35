-- The latest rejected messages, for who may read the report. $1: of one reason, $2: of one topic, $3: how many.
SELECT
	d.topic,
	d.partition,
	d."offset",
	d.reason,
	d.detail,
	d.first_bytes,
	d.length_bytes,
	d.read_at,
	d.requeued_at
FROM report.dead_letter d
WHERE ($1::text IS NULL OR d.reason = $1) AND ($2::text IS NULL OR d.topic = $2)
ORDER BY d.read_at DESC, d.topic, d.partition, d."offset" DESC
LIMIT $3::bigint
