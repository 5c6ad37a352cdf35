-- Partitions by number.
-- $1 source_nos
SELECT p.source_no, p.topic, p.partition
FROM kpid.source_partition p
WHERE p.source_no = ANY ($1::integer[])
