-- One instance at a time tells the receivers.
SELECT pg_try_advisory_lock(hashtext('kpid dispatch')::bigint)
