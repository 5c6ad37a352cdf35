-- Stores new revisions of the policy file. Stored revisions never change.
-- $1 ids, $2 effective_from, $3 jsons
INSERT INTO kpid.policy_revision (id, effective_from, json, sha256)
SELECT id, effective_from, json, sha256(convert_to(json, 'UTF8'))
FROM unnest($1::text[], $2::timestamptz[], $3::text[]) AS r (id, effective_from, json)
ON CONFLICT (id) DO NOTHING
