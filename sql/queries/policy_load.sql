-- Policy revisions by number or id. Both NULL: all.
-- $1 revision_nos, $2 ids
SELECT revision_no, id, json
FROM kpid.policy_revision
WHERE ($1::integer[] IS NULL AND $2::text[] IS NULL)
	OR revision_no = ANY ($1::integer[])
	OR id = ANY ($2::text[])
ORDER BY revision_no
