-- Epoch, offset, state and heartbeat of partitions. Used when the outcome of a transaction is unknown.
-- $1 source_nos
SELECT source_no, epoch, next_offset, state, heartbeat_no
FROM kpid.source_partition
WHERE source_no = ANY ($1::integer[])
