-- Policy revisions by their numbers, $1, or ids, $2; both NULL: every one that was ever in force.
SELECT revision_no, id, json
FROM kpid.policy_revision
WHERE ($1::integer[] IS NULL AND $2::text[] IS NULL)
	OR revision_no = ANY ($1::integer[])
	OR id = ANY ($2::text[])
ORDER BY revision_no
