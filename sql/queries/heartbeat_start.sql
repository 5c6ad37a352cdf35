-- Begins a heartbeat for this session and returns its number. Deletes old heartbeats that no partition names.
-- $1 instance
WITH unused AS (
	SELECT h.heartbeat_no
	FROM kpid.heartbeat h
	WHERE h.beat_at < clock_timestamp() - interval '1 day'
		AND NOT EXISTS (SELECT FROM kpid.source_partition p WHERE p.heartbeat_no = h.heartbeat_no)
	FOR UPDATE OF h SKIP LOCKED
), deleted AS (
	DELETE FROM kpid.heartbeat h
	USING unused
	WHERE h.heartbeat_no = unused.heartbeat_no
)
INSERT INTO kpid.heartbeat (instance)
VALUES ($1)
RETURNING heartbeat_no
