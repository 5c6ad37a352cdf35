-- Hours of calendars. The last that was known before may have been cut off.
INSERT INTO kpid.calendar_span AS s
SELECT *
FROM unnest($1::integer[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[])
ON CONFLICT (revision_no, calendar, start_at) DO UPDATE
SET end_at = EXCLUDED.end_at
WHERE s.end_at < EXCLUDED.end_at
