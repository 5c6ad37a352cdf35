-- Stores the offset at which a partition begins that is read from its end, so that a restart begins there too. Clears read_to,
-- which may belong to a former log.
-- $1 source_no, $2 epoch, $3 next_offset
UPDATE kpid.source_partition
SET next_offset = $3, read_to = NULL
WHERE source_no = $1 AND epoch = $2 AND next_offset IS NULL
