-- Marks dead letters whose requeued message the broker has acknowledged.
-- $1 letter_nos
UPDATE kpid.dead_letter
SET requeued_at = clock_timestamp()
WHERE letter_no = ANY ($1::bigint[])
