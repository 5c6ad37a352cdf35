-- Calendars of running clocks whose working hours are not all materialized, one row per distinct set of hours. unlinked: the
-- hours of this calendar are not known yet.
-- $1 period_us: length of a period of kpid.calendar_hours
WITH asked AS (
	SELECT t.revision_no, c.calendar, min(c.zero_at) AS first_at, max(c.zero_at) AS last_at
	FROM kpid.sla_clock c
	JOIN kpid.ticket t USING (ticket_id)
	WHERE c.calendar IS NOT NULL AND c.zero_at IS NOT NULL AND NOT c.stopped
	GROUP BY t.revision_no, c.calendar
), linked AS (
	SELECT
		(array_agg(a.revision_no))[1] AS revision_no,
		(array_agg(a.calendar))[1] AS calendar,
		k.hours_id,
		min(a.first_at) AS first_at,
		max(a.last_at) AS last_at
	FROM asked a
	LEFT JOIN kpid.calendar k USING (revision_no, calendar)
	GROUP BY k.hours_id, CASE WHEN k.hours_id IS NULL THEN a.revision_no END, CASE WHEN k.hours_id IS NULL THEN a.calendar END
)
SELECT l.revision_no, l.calendar, l.hours_id IS NULL AS unlinked, l.first_at, l.last_at, h.first_period, h.last_period
FROM linked l
CROSS JOIN LATERAL (
	SELECT min(p.period) AS first_period, max(p.period) AS last_period
	FROM kpid.calendar_hours p
	WHERE p.hours_id = l.hours_id
) h
WHERE h.first_period IS NULL
	OR h.first_period > floor(extract(epoch FROM least(l.first_at, now())) * 1000000 / $1::bigint)
	OR h.last_period < floor(extract(epoch FROM greatest(l.last_at, now() + interval '330 days')) * 1000000 / $1::bigint)
