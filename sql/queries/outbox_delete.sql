-- Messages that the receiver has.
DELETE FROM kpid.outbox
WHERE seq = ANY ($1::bigint[])
