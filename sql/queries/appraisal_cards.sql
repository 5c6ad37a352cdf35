-- The cards of a closed period in their latest versions, as one JSON document.
-- $1 key, $2 why: NULL: no reason
SELECT appraisal.closed($1::text, $2::text)::text AS document
