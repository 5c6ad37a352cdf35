-- Adds the duplicates and dead letters among parked events to the counts of their partitions. parked_lock.sql has locked the
-- rows.
-- $1 source_nos, $2 n_duplicates, $3 n_dead_letters
UPDATE kpid.source_partition p
SET n_duplicates = p.n_duplicates + d.n_duplicates,
	n_dead_letters = p.n_dead_letters + d.n_dead_letters
FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS d (source_no, n_duplicates, n_dead_letters)
WHERE p.source_no = d.source_no
