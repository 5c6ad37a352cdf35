-- What later facts would change in a closed period.
-- $1 key, $2 why: NULL: no reason
SELECT jsonb_build_object('key', $1::text, 'drift', coalesce(jsonb_agg(to_jsonb(d)), '[]'))::text AS document
FROM appraisal.drift($1::text, $2::text) d
