-- Who has read the results of an agent; the latest first.
-- $1 agent
SELECT jsonb_build_object('access', coalesce(jsonb_agg(jsonb_build_object('read_at', a.read_at AT TIME ZONE 'UTC', 'login', a.login,
	'role', a.role, 'function', a.function, 'key', a.key, 'why', a.why) ORDER BY a.read_at DESC), '[]'))::text AS document
FROM appraisal.access_log a
WHERE a.agent_id = $1::text
