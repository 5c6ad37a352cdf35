-- Gaps that nobody has accepted.
SELECT 'fail' AS level,
	g.topic || '/' || g.partition || ' misses messages from offset ' || g.expected_offset || ' on, since '
		|| to_char(g.detected_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') || ': ' || g.reason AS what,
	'kpid gap accept ' || g.topic || '/' || g.partition || ' resumes without them; or restore them first' AS advice
FROM report.gap g
WHERE g.accepted_at IS NULL
ORDER BY g.gap_no
