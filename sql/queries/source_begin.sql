-- Where a partition begins that is read from its end on: kept at once, so that a restart goes on from there.
UPDATE kpid.source_partition
SET next_offset = $3
WHERE source_no = $1 AND epoch = $2 AND next_offset IS NULL
