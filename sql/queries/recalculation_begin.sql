-- Records the begin of a recalculation.
-- $1 asked_by, $2 why
-- $3 since, $4 before: range of the tickets' opening; NULL: no bound
-- $5 revision_nos: revisions in force
INSERT INTO kpid.recalculation (asked_by, why, opened_since, opened_before, revision_nos)
VALUES ($1, $2, $3::timestamptz, $4::timestamptz, $5::integer[])
RETURNING recalculation_no
