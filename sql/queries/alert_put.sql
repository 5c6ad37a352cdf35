-- Breaches that are new or changed, each with its message. What was decided about sending stays decided; a
-- breach that was voided and is one again is detected anew.
WITH changed AS (
	INSERT INTO kpid.alert AS a
	SELECT * FROM unnest($1::kpid.alert[]) ORDER BY alert_id
	ON CONFLICT (alert_id) DO UPDATE
	SET revision = a.revision + 1,
		state = EXCLUDED.state,
		level = EXCLUDED.level,
		due_at = EXCLUDED.due_at,
		breached_at = EXCLUDED.breached_at,
		cause = EXCLUDED.cause,
		owner_at_breach = EXCLUDED.owner_at_breach,
		project_id = EXCLUDED.project_id,
		policy = EXCLUDED.policy,
		policy_version = EXCLUDED.policy_version,
		detected_at = CASE WHEN a.state = 'voided' THEN EXCLUDED.detected_at ELSE a.detected_at END,
		resolved_at = EXCLUDED.resolved_at,
		unconfirmed = a.unconfirmed AND EXCLUDED.unconfirmed,
		delivery = CASE
			WHEN EXCLUDED.delivery IN ('shadow', 'off') THEN EXCLUDED.delivery
			WHEN a.delivery = 'queued' THEN 'queued'
			WHEN a.delivery = 'shadow' OR a.state = 'voided' THEN EXCLUDED.delivery
			ELSE a.delivery
		END,
		evidence_source_no = EXCLUDED.evidence_source_no,
		evidence_offset = EXCLUDED.evidence_offset
	RETURNING a AS alert
)
INSERT INTO kpid.outbox (alert_id, key, payload)
SELECT (c.alert).alert_id, concat_ws('/', (c.alert).ticket_id, (c.alert).target, (c.alert).n), kpid.alert_message(c.alert)
FROM changed c
WHERE (c.alert).delivery = 'queued'
ORDER BY (c.alert).alert_id
