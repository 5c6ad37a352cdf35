-- What all instances must agree on: the first one decides. Only the time zone of the daily report may change,
-- and only to one that PostgreSQL knows; what it did not know it leaves as it was.
WITH zone AS (
	INSERT INTO kpid.setting
	SELECT 'report.time_zone', $3
	WHERE EXISTS (SELECT FROM pg_timezone_names WHERE name = $3)
	ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value WHERE kpid.setting.value <> EXCLUDED.value
), agreed (name, value) AS (
	VALUES ('kpi.fcr_window_us', $1::text), ('rules.version', $2::text)
), first AS (
	INSERT INTO kpid.setting
	SELECT name, value FROM agreed
	ON CONFLICT (name) DO NOTHING
)
SELECT a.name, coalesce(s.value, a.value) AS stored, a.value AS ours
FROM agreed a
LEFT JOIN kpid.setting s ON s.name = a.name
ORDER BY a.name
