-- Postpones the next retry of parked tickets. The pause doubles from the first to the longest.
-- $1 ticket_ids, $2 reason, $3 detail
-- $4 first_us, $5 longest_us
UPDATE kpid.parked_ticket p
SET attempts = a.attempts,
	reason = $2::text,
	detail = $3::text,
	next_at = clock_timestamp() + least($4::bigint * 2 ^ least(a.attempts, 40), $5::bigint) * interval '1 microsecond'
FROM (
	SELECT t.ticket_id, CASE WHEN t.reason = $2::text THEN t.attempts + 1 ELSE 1 END AS attempts
	FROM kpid.parked_ticket t
	WHERE t.ticket_id = ANY ($1::text[])
) a
WHERE p.ticket_id = a.ticket_id
