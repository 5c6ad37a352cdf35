-- Held until the session ends; of this database only. $1: the key.
SELECT pg_try_advisory_lock($1::bigint)
