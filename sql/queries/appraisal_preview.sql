-- All cards of a period that the caller may see, as one JSON document.
-- $1 key, $2 plan_file: NULL: the stored plans, $3 why: NULL: no reason
SELECT appraisal.preview($1::text, $2::jsonb, $3::text)::text AS document
