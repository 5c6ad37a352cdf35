-- What is stored and decides, against this configuration: $1 the window of first contact resolution in microseconds, $2 the rules
-- of this program, $3 the zone of daily figures, $4 the ids of the revisions of the policy file, $5 the consumer group; '': it names none.
SELECT
	CASE s.name WHEN 'sla.policy_revisions' THEN 'warn' ELSE 'fail' END AS level,
	CASE s.name
		WHEN 'kpi.fcr_window_us' THEN 'kpi.fcr_window is ' || (o.value::bigint / 1000000) || ' s here, and all figures were made with ' || (s.value::bigint / 1000000) || ' s'
		WHEN 'rules.version' THEN 'the figures were made under version ' || s.value || ' of the rules, and this program has ' || o.value
		WHEN 'report.time_zone' THEN 'report.time_zone is ' || o.value || ' here, and days are those of ' || s.value
		WHEN 'kafka.group.id' THEN 'group.id is ' || o.value || ' here, and the consumer group that reads for this database is ' || s.value
		ELSE 'the policy file here has the revisions ' || o.value || ', and an instance has read one with ' || s.value
	END AS what,
	CASE s.name
		WHEN 'kpi.fcr_window_us' THEN 'set kpi.fcr_window to what the database has, or read everything into a new one'
		WHEN 'rules.version' THEN 'run the program that made them, or read everything into a new database'
		WHEN 'report.time_zone' THEN 'set report.time_zone to what the database has, or change it for all: kpid settings set report.time_zone ' || o.value
		WHEN 'kafka.group.id' THEN 'set group.id in [kafka] to what the database has; if the group was renamed: kpid settings set kafka.group.id ' || o.value
		ELSE 'give all instances the same file, and reload them: each judges new tickets by its own'
	END AS advice
FROM kpid.setting s
JOIN (
	VALUES ('kpi.fcr_window_us', nullif($1, '')), ('rules.version', $2), ('report.time_zone', nullif($3, '')), ('sla.policy_revisions', nullif($4, '')),
		('kafka.group.id', nullif($5, ''))
) AS o (name, value) ON o.name = s.name
WHERE s.value <> o.value
