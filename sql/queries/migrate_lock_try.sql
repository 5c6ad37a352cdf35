-- Held until the session ends; of this database only. (The numbers are the bytes of "kpid" and "migr".)
SELECT pg_try_advisory_lock(1802529124, 1835624306)
