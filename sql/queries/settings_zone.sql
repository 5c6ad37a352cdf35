-- Changes the stored time zone of daily figures. Returns the value before; NULL: none. No row: PostgreSQL does not know the
-- zone.
-- $1 time_zone
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
