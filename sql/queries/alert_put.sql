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
	RETURNING *
)
INSERT INTO kpid.outbox (alert_id, key, payload)
SELECT alert_id, ticket_id || '/' || target || '/' || n,
		json_build_object(
			'specversion', '1.0',
			'source', '/kpid',
			'type', 'kpid.alert.' || state,
			'subject', ticket_id || '/' || target || '/' || n,
			'id', alert_id || '/' || revision,
			'time', kpid.rfc3339(clock_timestamp()),
			'datacontenttype', 'application/json',
			'data', json_build_object(
				'alert_id', alert_id, 'revision', revision, 'ticket_id', ticket_id, 'target', target, 'n', n,
				'state', state, 'level', level, 'due_at', kpid.rfc3339(due_at),
				'breached_at', kpid.rfc3339(breached_at), 'detected_at', kpid.rfc3339(detected_at),
				'resolved_at', kpid.rfc3339(resolved_at), 'cause', cause, 'owner_at_breach', owner_at_breach,
				'project_id', project_id, 'policy', policy, 'policy_version', policy_version,
				'unconfirmed', unconfirmed))
FROM changed
WHERE delivery = 'queued'
ORDER BY alert_id
