-- The page of the caller, as one JSON document.
-- $1 key
SELECT me.page($1::text)::text AS document
