-- Deletes messages that were delivered.
-- $1 seqs
DELETE FROM kpid.outbox
WHERE seq = ANY ($1::bigint[])
