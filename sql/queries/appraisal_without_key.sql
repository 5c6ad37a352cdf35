-- The agents without a pseudonym, after one that has one, if there is any.
SELECT a.agent_id, a.agent_key
FROM appraisal.agents_without_key() a
