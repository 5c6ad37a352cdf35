-- Settings on which all instances must agree. The first instance that gives a value decides. A stored value gives way if it is
-- among the overriding names, or if the new value is a policy file with all of its revisions and more. Returns the values before.
-- A zone that PostgreSQL does not know is ignored. Nothing is stored for an instance of another shard or with other rules, which does
-- not start; these come first.
-- $1 names
-- $2 settings: their values; NULL: the configuration gives none
-- $3 overriding: names
WITH given AS (
	SELECT g.name,
		CASE g.name WHEN 'report.time_zone' THEN (SELECT z.name FROM pg_timezone_names z WHERE z.name = g.value) ELSE g.value END AS value
	FROM unnest($1::text[], $2::text[]) AS g (name, value)
), put AS (
	INSERT INTO kpid.setting AS s
	SELECT g.name, g.value
	FROM given g
	WHERE g.value IS NOT NULL
		AND NOT EXISTS (SELECT FROM given f JOIN kpid.setting k ON k.name = f.name WHERE f.name IN ('shard', 'rules.version') AND f.value <> k.value)
	ORDER BY g.name
	ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value
	WHERE s.value <> EXCLUDED.value
		AND (s.name = ANY ($3::text[])
			OR (s.name = 'sla.policy_revisions'
				AND (s.value = 'none' OR string_to_array(s.value, ', ') <@ string_to_array(EXCLUDED.value, ', '))))
	RETURNING s.name
)
SELECT g.name, coalesce(s.value, g.value) AS stored, g.value AS ours, p.name IS NOT NULL AS put
FROM given g
LEFT JOIN kpid.setting s ON s.name = g.name
LEFT JOIN put p ON p.name = g.name
ORDER BY g.name NOT IN ('shard', 'rules.version'), g.name
