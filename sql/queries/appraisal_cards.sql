-- The cards of a closed period in their latest versions, as one JSON document.
-- $1 key
SELECT appraisal.closed($1::text)::text AS document
