-- Adds what a batch changed to the backlog of its agents, rows in the order of their keys.
INSERT INTO kpid.agent_backlog AS b
SELECT * FROM unnest($1::kpid.agent_backlog[])
ON CONFLICT (agent_id) DO UPDATE
SET backlog = b.backlog + EXCLUDED.backlog
