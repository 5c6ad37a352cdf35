-- Stores new revisions of the plan file.
-- $1 revisions, $2 who
SELECT appraisal.apply_revisions($1::jsonb, $2::text) AS n_stored
