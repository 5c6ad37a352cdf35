-- As migrate_lock_try.sql, and waits for it.
SELECT pg_advisory_lock(1802529124, 1835624306)
