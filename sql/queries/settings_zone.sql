-- Changes the zone of daily figures to $1, for everybody. No row: PostgreSQL knows no such zone. What it was before, NULL: unset.
WITH put AS (
	INSERT INTO kpid.setting
	SELECT 'report.time_zone', z.name
	FROM pg_timezone_names z
	WHERE z.name = $1
	ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value
	RETURNING name
)
SELECT (SELECT s.value FROM kpid.setting s WHERE s.name = 'report.time_zone') AS before
FROM put
