-- Takes a lease ($1) for an instance ($2), or renews the one that it has under the epoch $3 (0: none), for $4 microseconds. One
-- that has run out, or whose session has ended, is free; who takes it raises its epoch, so that the holder before can write
-- nothing more. One row: the epoch; none: somebody else holds it. Looked at first, so that who only waits locks nothing.
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
