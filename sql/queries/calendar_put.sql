-- Stores the hours of a calendar by period.
-- $1 hours_id
-- $2 periods, $3 spans, $4 worked_us
INSERT INTO kpid.calendar_hours (hours_id, period, spans, worked_us)
SELECT $1::uuid, period, spans, worked_us
FROM unnest($2::integer[], $3::text[]::int8multirange[], $4::bigint[]) AS p (period, spans, worked_us)
ON CONFLICT (hours_id, period) DO NOTHING
