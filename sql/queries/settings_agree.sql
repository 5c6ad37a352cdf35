-- What all instances must agree on: the first one that names it decides. $1: the window of first contact resolution in
-- microseconds, $2: the rules of this program, $3: the zone of daily figures, NULL where the configuration names none: a default
-- is not stored, and never overrides what is. A zone that PostgreSQL does not know is left out. $4: the ids of the revisions of
-- the policy file, NULL where there is none or it was not just read: the latest file counts, and what it was before is returned.
-- $5: the consumer group, NULL where no topic is read.
WITH given (name, value) AS (
	VALUES
		('kpi.fcr_window_us', $1::text), ('rules.version', $2::text),
		('report.time_zone', (SELECT z.name FROM pg_timezone_names z WHERE z.name = $3)),
		('sla.policy_revisions', $4::text), ('kafka.group.id', $5::text)
), put AS (
	INSERT INTO kpid.setting AS s
	SELECT g.name, g.value
	FROM given g
	WHERE g.value IS NOT NULL
	ORDER BY g.name
	ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value
	WHERE s.name = 'sla.policy_revisions' AND s.value <> EXCLUDED.value
)
SELECT g.name, coalesce(s.value, g.value) AS stored, g.value AS ours
FROM given g
LEFT JOIN kpid.setting s ON s.name = g.name
ORDER BY g.name
