-- Counts what became of events that were set aside, where they were read: duplicates, and dead letters of a ticket that has
-- too many. The rows are locked by parked_lock.sql.
UPDATE kpid.source_partition p
SET n_duplicates = p.n_duplicates + d.n_duplicates,
	n_dead_letters = p.n_dead_letters + d.n_dead_letters
FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS d (source_no, n_duplicates, n_dead_letters)
WHERE p.source_no = d.source_no
