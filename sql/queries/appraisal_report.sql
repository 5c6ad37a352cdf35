-- The cards of a period with everything that their pages show, as one JSON document.
-- $1 key, $2 plan_file: NULL: the stored plans, $3 subject: NULL: all, $4 why
SELECT appraisal.report($1::text, $2::jsonb, $3::text, $4::text)::text AS document
