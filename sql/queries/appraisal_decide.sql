-- Decides an appeal.
-- $1 appeal_no, $2 accept, $3 changes: a JSON list, $4 who, $5 why
SELECT appraisal.decide($1::bigint, $2::boolean, $3::jsonb, $4::text, $5::text)::text AS document
