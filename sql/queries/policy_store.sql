-- Stores the revisions of a policy file that are new; what is stored is never changed.
INSERT INTO kpid.policy_revision (id, effective_from, json, sha256)
SELECT id, effective_from, json, sha256(convert_to(json, 'UTF8'))
FROM unnest($1::text[], $2::timestamptz[], $3::text[]) AS r (id, effective_from, json)
ON CONFLICT (id) DO NOTHING
