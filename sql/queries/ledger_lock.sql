-- Begins to write the ledger: one transaction at a time does. No row: a new generation has begun.
-- $1 generation; NULL: any
SELECT generation
FROM kpid.ledger_state
WHERE generation = $1::integer OR $1::integer IS NULL
FOR UPDATE
