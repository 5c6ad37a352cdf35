-- How telling a receiver ($1) of those alerts ($2), at those revisions ($3), went: taken ($4 NULL), or why not. After a
-- failure it is tried again in $5 microseconds, unless it is gone ($6). What lasts is said again in $7 microseconds (NULL:
-- never), for receivers that forget.
UPDATE kpid.delivery d
SET state = CASE
		WHEN $6::boolean THEN 'dropped'
		WHEN $4::text IS NULL AND d.revision <= r.revision AND ($7::bigint IS NULL OR NOT r.lasts) THEN 'sent'
		ELSE 'pending'
	END,
	sent_revision = CASE WHEN $4::text IS NULL THEN r.revision ELSE d.sent_revision END,
	sent_at = CASE WHEN $4::text IS NULL THEN clock_timestamp() ELSE d.sent_at END,
	attempts = CASE WHEN $4::text IS NULL THEN 0 ELSE d.attempts + 1 END,
	last_error = $4::text,
	next_at = CASE
		WHEN $4::text IS NOT NULL THEN clock_timestamp() + $5::bigint * interval '1 microsecond'
		WHEN d.revision <= r.revision AND $7::bigint IS NOT NULL THEN clock_timestamp() + $7::bigint * interval '1 microsecond'
		ELSE clock_timestamp()
	END
FROM unnest($2::text[], $3::integer[], $8::boolean[]) AS r (alert_id, revision, lasts)
WHERE d.receiver = $1 AND d.alert_id = r.alert_id
