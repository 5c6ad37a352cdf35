-- One repair at a time: a sum is mended by what was missing when it was looked at. The lock is the connection's.
SELECT pg_try_advisory_lock(hashtext('kpid repair')::bigint)
