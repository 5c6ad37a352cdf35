-- What is applied, by version.
SELECT
	m.version,
	m.name,
	encode(m.sha256, 'hex'),
	to_char(m.applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	m.applied_by
FROM kpid.migration m
ORDER BY m.version
