-- What of a closed period differs from what its frozen rows give.
-- $1 key, $2 why: NULL: no reason
SELECT jsonb_build_object('key', $1::text, 'differences', coalesce(jsonb_agg(to_jsonb(v)), '[]'))::text AS document
FROM appraisal.verify($1::text, $2::text) v
