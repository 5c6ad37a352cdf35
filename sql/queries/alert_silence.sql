-- Creates a silence and returns its number. The end is absolute or relative to now; so is the begin (both NULL: now).
-- $1 duration, $2 until
-- $3 begins_in, $4 begins_at
-- $5 by, $6 why
-- $7 project_id, $8 target: NULL: all
SELECT report.silence_alerts(
	coalesce($2::timestamptz, clock_timestamp() + $1::interval), $5, $6, $7, $8,
	coalesce($4::timestamptz, clock_timestamp() + $3::interval)) AS silence_no
