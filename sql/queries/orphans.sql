-- Partitions of others ($2: not mine) that hold the deadline $1 back, though it passed some time ago: perhaps nobody reads them.
SELECT source_no, topic, partition, epoch, next_offset, greatest(next_offset, read_to)
FROM kpid.source_partition
WHERE state = 'running'
	AND kpid.not_ahead(complete_until, clock_timestamp()) < $1::timestamptz
	AND owner <> $2
	AND clock_timestamp() > $1::timestamptz + interval '300 milliseconds'
