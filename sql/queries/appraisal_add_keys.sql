-- Stores pseudonyms.
-- $1 keys: a JSON list of agent_id and agent_key
SELECT appraisal.add_agent_keys($1::jsonb) AS n_added
