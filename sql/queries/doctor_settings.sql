-- What was stored first and decides, against this configuration: $1 the window of first contact resolution in microseconds,
-- $2 the rules of this program, $3 the zone of daily figures.
SELECT
	CASE s.name WHEN 'report.time_zone' THEN 'warn' ELSE 'fail' END AS level,
	CASE s.name
		WHEN 'kpi.fcr_window_us' THEN 'kpi.fcr_window is ' || (o.value::bigint / 1000000) || ' s here, and all figures were made with ' || (s.value::bigint / 1000000) || ' s'
		WHEN 'rules.version' THEN 'the figures were made under version ' || s.value || ' of the rules, and this program has ' || o.value
		ELSE 'report.time_zone is ' || o.value || ' here, and days are those of ' || s.value
	END AS what,
	CASE s.name
		WHEN 'kpi.fcr_window_us' THEN 'set kpi.fcr_window to what the database has, or read everything into a new one'
		WHEN 'rules.version' THEN 'run the program that made them, or read everything into a new database'
		ELSE 'the instance that started last decides: give all the same'
	END AS advice
FROM kpid.setting s
JOIN (
	VALUES ('kpi.fcr_window_us', $1::text), ('rules.version', $2::text), ('report.time_zone', $3::text)
) AS o (name, value) ON o.name = s.name
WHERE s.value <> o.value
