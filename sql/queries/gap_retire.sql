-- Retires partitions that are no longer read, so that they hold back no deadline, and accepts their open gaps. The raised epoch
-- fences an owner that still reads. It would claim the partition again, which makes it running.
-- $1 topic
-- $2 partition: NULL: all
-- $3 by
WITH retired AS (
	UPDATE kpid.source_partition p
	SET state = 'finished', state_reason = NULL, epoch = epoch + 1,
		heartbeat_no = NULL,
		complete_until = greatest(p.complete_until, (
			SELECT kpid.vouched_until(h.complete_until, h.except_nos, h.except_until, p.source_no)
			FROM kpid.heartbeat h
			WHERE h.heartbeat_no = p.heartbeat_no
			FOR SHARE
		))
	WHERE topic = $1 AND ($2::integer IS NULL OR partition = $2) AND state <> 'finished'
	RETURNING topic, partition
), accepted AS (
	UPDATE kpid.gap g
	SET accepted_at = clock_timestamp(), accepted_by = $3
	FROM retired r
	WHERE g.topic = r.topic AND g.partition = r.partition AND g.accepted_at IS NULL
)
SELECT partition
FROM retired
ORDER BY partition
