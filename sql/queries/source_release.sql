-- Notes that their owner has given partitions up, so that nobody takes what it knew for what is. Skips partitions that were claimed
-- since, and rows that others have locked: waiting for a claim or a batch could deadlock with it.
-- $1 source_nos, $2 epochs
WITH still AS (
	SELECT p.source_no
	FROM kpid.source_partition p
	JOIN unnest($1::integer[], $2::bigint[]) AS mine (source_no, epoch) ON p.source_no = mine.source_no AND p.epoch = mine.epoch
	ORDER BY p.source_no
	FOR NO KEY UPDATE OF p SKIP LOCKED
)
UPDATE kpid.source_partition p
SET released_at = clock_timestamp()
FROM still
WHERE p.source_no = still.source_no
