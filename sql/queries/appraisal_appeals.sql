-- The appeals against cards of a closed period.
-- $1 key, $2 why: NULL: no reason
SELECT jsonb_build_object('appeals', appraisal.appeals($1::text, $2::text))::text AS document
