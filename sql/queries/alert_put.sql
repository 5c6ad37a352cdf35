-- Inserts and updates warnings and breaches, and publishes each change. Once an alert is to be sent or not, that stays decided,
-- until a warning becomes a breach. A voided breach stays voided until it is a breach again; then it counts as newly detected.
-- A voided warning becomes what it was when it is one again.
-- An acknowledged alert stays acknowledged while it lasts. A silence keeps back only alerts that were not sent before.
-- $1 rows
WITH changed AS (
	INSERT INTO kpid.alert AS a
	SELECT
		alert_id, ticket_id, target, n, revision, state, level, due_at, breached_at, cause, owner_at_breach, project_id,
		policy, policy_version, detected_at, resolved_at, unconfirmed,
		CASE
			WHEN delivery = 'queued' AND (SELECT EXISTS (SELECT FROM kpid.silence WHERE NOT is_over)) -- asked once
				AND kpid.is_silenced(project_id, target, detected_at)
			THEN 'silenced'
			ELSE delivery
		END,
		evidence_source_no, evidence_offset, warned_at, n_warnings
	FROM unnest($1::kpid.alert[])
	ORDER BY alert_id
	ON CONFLICT (alert_id) DO UPDATE
	SET revision = a.revision + 1,
		state = CASE
			WHEN a.state = 'acknowledged' AND EXCLUDED.state = 'breached' THEN 'acknowledged'
			ELSE EXCLUDED.state
		END,
		level = EXCLUDED.level,
		due_at = EXCLUDED.due_at,
		breached_at = EXCLUDED.breached_at,
		cause = EXCLUDED.cause,
		owner_at_breach = EXCLUDED.owner_at_breach,
		project_id = EXCLUDED.project_id,
		policy = EXCLUDED.policy,
		policy_version = EXCLUDED.policy_version,
		detected_at = CASE
			WHEN EXCLUDED.breached_at IS NOT NULL AND a.state IN ('warning', 'averted', 'voided') THEN EXCLUDED.detected_at
			ELSE a.detected_at
		END,
		resolved_at = EXCLUDED.resolved_at,
		unconfirmed = CASE
			WHEN EXCLUDED.breached_at IS NOT NULL AND a.state IN ('warning', 'averted') THEN EXCLUDED.unconfirmed
			ELSE a.unconfirmed AND EXCLUDED.unconfirmed
		END,
		delivery = CASE
			WHEN EXCLUDED.delivery IN ('shadow', 'off') THEN EXCLUDED.delivery
			WHEN a.delivery = 'queued' THEN 'queued'
			WHEN a.delivery = 'silenced' THEN 'silenced'
			WHEN a.delivery = 'shadow' OR a.state = 'voided' THEN EXCLUDED.delivery
			WHEN a.state IN ('warning', 'averted') AND EXCLUDED.state <> 'averted' THEN EXCLUDED.delivery
			ELSE a.delivery
		END,
		evidence_source_no = EXCLUDED.evidence_source_no,
		evidence_offset = EXCLUDED.evidence_offset,
		warned_at = EXCLUDED.warned_at,
		n_warnings = EXCLUDED.n_warnings
	WHERE a.state <> 'voided' OR a.breached_at IS NULL OR EXCLUDED.breached_at IS NOT NULL
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
