-- Records the result of sending alerts to a receiver. Alerts that last are sent again to receivers that expire them.
-- $1 receiver, $2 alert_ids, $3 revisions
-- $4 error: NULL: the receiver took them
-- $5 retry_us: wait before the next try, after an error
-- $6 gone: true: the receiver is gone for good; drop the alerts
-- $7 repeat_us: interval for sending active alerts again; NULL: never
-- $8 lasts: for each alert, whether it is active
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
