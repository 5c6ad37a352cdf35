-- All cards of a period, as one JSON document.
-- $1 key, $2 plan_file: NULL: the stored plans
SELECT appraisal.preview($1::text, $2::jsonb)::text AS document
