-- Adds a batch's changes to the backlog of its agents, in the order of the keys.
-- $1 rows
INSERT INTO kpid.agent_backlog AS b
SELECT * FROM unnest($1::kpid.agent_backlog[])
ON CONFLICT (agent_id) DO UPDATE
SET backlog = b.backlog + EXCLUDED.backlog
