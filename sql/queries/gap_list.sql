-- Gaps, open ones first.
SELECT
	g.gap_no,
	g.topic,
	g.partition,
	g.reason,
	g.expected_offset,
	g.low_offset,
	g.high_offset,
	g.detected_at,
	g.accepted_at,
	g.accepted_by,
	g.resumed_at_offset
FROM report.gap g
ORDER BY g.accepted_at IS NOT NULL, g.gap_no DESC
