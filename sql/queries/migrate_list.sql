-- Applied migrations by version.
SELECT
	m.version,
	m.name,
	encode(m.sha256, 'hex') AS sha256,
	to_char(m.applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS applied_at,
	m.applied_by
FROM kpid.migration m
ORDER BY m.version
