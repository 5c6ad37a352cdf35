-- Marks messages that the broker has acknowledged.
UPDATE kpid.dead_letter
SET requeued_at = clock_timestamp()
WHERE letter_no = ANY ($1::bigint[])
