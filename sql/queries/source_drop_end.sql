-- Records the end of the removal of a source.
-- $1 drop_no
UPDATE kpid.source_drop
SET ended_at = statement_timestamp()
WHERE drop_no = $1::bigint
RETURNING n_tickets, n_emptied, n_events
