-- The latest dead letters. Reads the view, for roles that may read the report only.
-- $1 reason, $2 topic: NULL: any
-- $3 limit
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
