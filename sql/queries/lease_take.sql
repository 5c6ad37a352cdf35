-- Takes or renews a lease, and returns its epoch. No row: another instance holds it. A lease is free if it has expired or its
-- session has ended; taking it raises the epoch, which fences the former holder. Checks first, so that waiting instances lock
-- nothing.
-- $1 name, $2 holder
-- $3 epoch: of the lease that the instance holds; 0: none
-- $4 duration_us
INSERT INTO kpid.lease AS l (name, holder, pid, epoch, taken_at, expires_at)
SELECT $1, $2, pg_backend_pid(), 1, clock_timestamp(), clock_timestamp() + $4::bigint * interval '1 microsecond'
WHERE NOT EXISTS (
	SELECT
	FROM kpid.lease o
	WHERE o.name = $1
		AND o.epoch <> $3::bigint
		AND o.expires_at > clock_timestamp()
		AND EXISTS (SELECT FROM pg_stat_get_activity(o.pid)))
ON CONFLICT (name) DO UPDATE
SET holder = EXCLUDED.holder,
	pid = EXCLUDED.pid,
	epoch = CASE WHEN l.epoch = $3::bigint THEN l.epoch ELSE l.epoch + 1 END,
	taken_at = CASE WHEN l.epoch = $3::bigint THEN l.taken_at ELSE EXCLUDED.taken_at END,
	expires_at = EXCLUDED.expires_at
WHERE l.epoch = $3::bigint
	OR l.expires_at <= clock_timestamp()
	OR NOT EXISTS (SELECT FROM pg_stat_get_activity(l.pid))
RETURNING epoch
