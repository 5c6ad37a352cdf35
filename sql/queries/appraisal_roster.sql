-- Replaces the roster.
-- $1 entries, $2 who
SELECT appraisal.replace_roster($1::jsonb, $2::text) AS n_rows
