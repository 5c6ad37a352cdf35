-- Locks the backlog rows that are repaired, in the order of their keys, and records what is added to them next.
-- $1 by, $2 why, $3 rows
WITH locked AS (
	SELECT b.agent_id, b.backlog
	FROM kpid.agent_backlog b
	WHERE b.agent_id = ANY (ARRAY(SELECT agent_id FROM unnest($3::kpid.agent_backlog[])))
	ORDER BY b.agent_id
	FOR NO KEY UPDATE
)
INSERT INTO kpid.repair (repaired_by, why, table_name, key, column_name, was, is_now)
SELECT
	$1::text, $2::text, 'agent_backlog', d.agent_id, 'backlog', coalesce(l.backlog, 0), coalesce(l.backlog, 0) + d.backlog
FROM unnest($3::kpid.agent_backlog[]) d
LEFT JOIN locked l ON l.agent_id = d.agent_id
ORDER BY d.agent_id
