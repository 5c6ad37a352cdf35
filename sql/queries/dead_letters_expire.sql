-- Deletes old dead letters of mapped records, and returns how many.
-- $1 days
SELECT kpid.expire_dead_letters($1::integer) AS n
