-- What all instances must agree on. The first one decides; the time zone of the daily report may change.
WITH zone AS (
	INSERT INTO kpid.setting VALUES ('report.time_zone', $2)
	ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value WHERE kpid.setting.value <> EXCLUDED.value
), window_set AS (
	INSERT INTO kpid.setting VALUES ('kpi.fcr_window_us', $1::text)
	ON CONFLICT (name) DO NOTHING
)
SELECT coalesce((SELECT value FROM kpid.setting WHERE name = 'kpi.fcr_window_us'), $1::text)
