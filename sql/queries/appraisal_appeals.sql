-- The appeals against cards of a closed period.
-- $1 key
SELECT jsonb_build_object('appeals', appraisal.appeals($1::text))::text AS document
