-- What migrate_lock_try.sql or migrate_lock_wait.sql took.
SELECT pg_advisory_unlock(1802529124, 1835624306)
