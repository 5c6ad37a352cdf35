-- Calendars of running clocks whose materialized hours end soon: live views then have no seconds left to show.
-- $1 within_days
WITH asked AS (
	SELECT DISTINCT t.revision_no, c.calendar
	FROM kpid.sla_clock c
	JOIN kpid.ticket t USING (ticket_id)
	WHERE c.calendar IS NOT NULL AND NOT c.stopped
), until AS (
	SELECT
		revision_no,
		calendar,
		(
			SELECT to_timestamp((max(h.period) + 1) * 2419200.0)
			FROM kpid.calendar_hours h
			WHERE h.hours_id = k.hours_id
		) AS until
	FROM asked
	JOIN kpid.calendar k USING (revision_no, calendar)
)
SELECT
	CASE WHEN u.until < now() THEN 'fail' ELSE 'warn' END AS level,
	'the hours of calendar "' || u.calendar || '" of revision ' || r.id || ' are known until ' || to_char(u.until AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS what,
	'a running daemon extends them a year ahead, every hour; start one and check its log' AS advice
FROM until u
JOIN kpid.policy_revision r USING (revision_no)
WHERE u.until < now() + $1::double precision * interval '1 day'
ORDER BY u.until
