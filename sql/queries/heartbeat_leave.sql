-- Ends that a heartbeat vouches for partitions: what it knew goes to their rows. Skips rows that others have locked: the
-- heartbeat names them as exceptions.
-- $1 heartbeat_no, $2 source_nos
WITH still AS (
	SELECT p.source_no
	FROM kpid.source_partition p
	WHERE p.source_no = ANY ($2::integer[]) AND p.heartbeat_no = $1::bigint
	ORDER BY p.source_no
	FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE kpid.source_partition p
SET heartbeat_no = NULL,
	complete_until = greatest(p.complete_until, kpid.vouched_until(h.complete_until, h.except_nos, h.except_until, p.source_no)),
	seen_at = greatest(p.seen_at, kpid.vouched_until(h.complete_until, h.except_nos, h.except_until, p.source_no)),
	end_seen_at = greatest(p.end_seen_at, kpid.vouched_until(h.complete_until, h.except_nos, h.except_until, p.source_no))
FROM still, kpid.heartbeat h
WHERE p.source_no = still.source_no AND h.heartbeat_no = $1::bigint
