-- Every revision that was ever in force.
SELECT revision_no, id, json
FROM kpid.policy_revision
ORDER BY revision_no
