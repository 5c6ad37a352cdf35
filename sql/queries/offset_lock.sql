-- The fence: locks the partitions that still have the expected epoch and offset, in the order of source_no. Fewer rows than
-- expected: another instance owns a partition now.
-- $1 source_nos, $2 epochs, $3 begin_offsets
SELECT p.source_no
FROM kpid.source_partition p
JOIN unnest($1::integer[], $2::bigint[], $3::bigint[]) AS mine (source_no, epoch, begin_offset)
	ON p.source_no = mine.source_no
	AND p.epoch = mine.epoch
	AND p.next_offset IS NOT DISTINCT FROM mine.begin_offset
ORDER BY p.source_no
FOR NO KEY UPDATE OF p
