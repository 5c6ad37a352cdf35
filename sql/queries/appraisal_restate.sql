-- Makes the next version of a closed period.
-- $1 key, $2 who, $3 why, $4 early
SELECT appraisal.restate($1::text, $2::text, $3::text, $4::boolean)::text AS document
