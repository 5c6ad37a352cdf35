-- Where partitions stand, and under which epoch: asked when a transaction's end is not known.
SELECT source_no, epoch, next_offset, state
FROM kpid.source_partition
WHERE source_no = ANY ($1::integer[])
