-- Calendars whose hours end within $1 days: live views then have no seconds left to show.
SELECT
	CASE WHEN c.until < now() THEN 'fail' ELSE 'warn' END AS level,
	'the hours of calendar "' || c.calendar || '" of revision ' || r.id || ' are known until ' || to_char(c.until AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS what,
	'a running daemon lays them out 400 days ahead, hourly; start one, and see its log' AS advice
FROM (SELECT revision_no, calendar, max(end_at) AS until FROM kpid.calendar_span GROUP BY revision_no, calendar) c
JOIN kpid.policy_revision r USING (revision_no)
WHERE c.until < now() + $1::double precision * interval '1 day'
	AND r.revision_no IN (SELECT max(revision_no) FROM kpid.policy_revision)
ORDER BY c.until
