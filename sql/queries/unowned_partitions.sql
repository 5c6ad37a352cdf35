-- Partitions of other instances that hold back a deadline that has already passed: perhaps nobody reads them.
-- $1 deadline, $2 instance
SELECT source_no, topic, partition, epoch, next_offset, greatest(next_offset, read_to) AS read_to
FROM kpid.source_known
WHERE state = 'running'
	AND kpid.not_ahead(complete_until, clock_timestamp()) < $1::timestamptz
	AND owner <> $2
	AND clock_timestamp() > $1::timestamptz + interval '300 milliseconds'
