-- The page of an agent, as one JSON document.
-- $1 key, $2 agent, $3 why: NULL: no reason
SELECT appraisal.page($1::text, $2::text, $3::text)::text AS document
