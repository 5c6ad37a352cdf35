-- As migrate_lock_try.sql, and waits for it. $1: the key.
SELECT pg_advisory_lock($1::bigint)
