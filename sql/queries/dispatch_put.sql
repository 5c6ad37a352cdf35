-- Queues notifications for receivers. Unless opens is true, only receivers that have had the alert before get it. A delivery
-- that waits for its retry keeps waiting.
-- $1 receivers, $2 alert_ids, $3 revisions, $4 opens
INSERT INTO kpid.delivery AS d (receiver, alert_id, revision, state, next_at)
SELECT r.receiver, r.alert_id, r.revision, 'pending', clock_timestamp()
FROM unnest($1::text[], $2::text[], $3::integer[], $4::boolean[]) AS r (receiver, alert_id, revision, opens)
WHERE r.opens OR EXISTS (SELECT FROM kpid.delivery o WHERE o.receiver = r.receiver AND o.alert_id = r.alert_id)
ORDER BY r.receiver, r.alert_id
ON CONFLICT (receiver, alert_id) DO UPDATE
SET revision = EXCLUDED.revision,
	state = 'pending',
	next_at = CASE WHEN d.state = 'pending' AND d.attempts > 0 THEN d.next_at ELSE EXCLUDED.next_at END
WHERE d.revision < EXCLUDED.revision
