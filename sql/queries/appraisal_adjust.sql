-- Adjusts a closed card.
-- $1 key, $2 plan: NULL: the only one, $3 level, $4 subject, $5 change, $6 who, $7 why
SELECT appraisal.adjust($1::text, $2::text, $3::text, $4::text, $5::jsonb, $6::text, $7::text)::text AS document
