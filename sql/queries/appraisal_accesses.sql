-- Who looked at the results of an agent, the latest first.
-- $1 agent, $2 zone
SELECT a.looked_at, a.login, a.role, a.what, a.why
FROM appraisal.accesses($1::text, $2::text) a
