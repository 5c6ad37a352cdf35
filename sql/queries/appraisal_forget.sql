-- Forgets an agent.
-- $1 agent, $2 who, $3 why
SELECT appraisal.forget($1::text, $2::text, $3::text)::text AS document
