-- Enters the value of a manual indicator.
-- $1 key, $2 plan: NULL: the only one, $3 level, $4 subject, $5 indicator, $6 above, $7 base, $8 who, $9 why
SELECT jsonb_build_object('entry', appraisal.enter($1::text, $2::text, $3::text, $4::text, $5::text, $6::numeric, $7::numeric, $8::text, $9::text))::text AS document
