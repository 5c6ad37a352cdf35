-- Voids breaches and warnings that late events have disproved, and publishes each change.
-- $1 alert_ids
WITH changed AS (
	UPDATE kpid.alert a
	SET revision = revision + 1,
		state = 'voided',
		resolved_at = NULL
	WHERE alert_id = ANY ($1::text[])
		AND state <> 'voided'
	RETURNING a AS alert
), sent AS (
	INSERT INTO kpid.outbox (alert_id, key, payload)
	SELECT (c.alert).alert_id, concat_ws('/', (c.alert).ticket_id, (c.alert).target, (c.alert).n), kpid.alert_message(c.alert)
	FROM changed c
	WHERE (c.alert).delivery = 'queued'
	ORDER BY (c.alert).alert_id
)
INSERT INTO kpid.notification (alert_id, revision)
SELECT (c.alert).alert_id, (c.alert).revision
FROM changed c
WHERE (c.alert).delivery = 'queued'
ORDER BY (c.alert).alert_id
ON CONFLICT (alert_id) DO UPDATE SET revision = EXCLUDED.revision
