-- What is no longer read holds nothing back. The higher epoch fences an owner that still reads: it would claim
-- the partition again, which makes it running. Open gaps are accepted ($3: by whom), as nobody goes on.
WITH retired AS (
	UPDATE kpid.source_partition
	SET state = 'finished', state_reason = NULL, epoch = epoch + 1
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
