-- The cards of an agent in a period, each with its plan, as one JSON document.
-- $1 key, $2 plan_file: NULL: the stored plans, $3 agent, $4 why: NULL: no reason
SELECT appraisal.explain($1::text, $3::text, $2::jsonb, $4::text)::text AS document
