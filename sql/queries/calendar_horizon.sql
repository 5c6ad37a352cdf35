-- How far the hours of each calendar are known to views.
SELECT revision_no, calendar, max(end_at)
FROM kpid.calendar_span
GROUP BY revision_no, calendar
