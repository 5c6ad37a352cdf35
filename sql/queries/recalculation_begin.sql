-- Judging anew begins: who, why, which tickets, and the numbers of the revisions under which.
INSERT INTO kpid.recalculation (asked_by, why, opened_since, opened_before, revision_nos)
VALUES ($1, $2, $3::timestamptz, $4::timestamptz, $5::integer[])
RETURNING recalculation_no
