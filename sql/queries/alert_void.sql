-- Breaches that late events undid, each with its message.
WITH changed AS (
	UPDATE kpid.alert
	SET revision = revision + 1,
		state = 'voided',
		resolved_at = NULL
	WHERE alert_id = ANY ($1::text[])
		AND state <> 'voided'
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
