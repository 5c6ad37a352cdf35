-- Begins to write a page of tickets. One transaction at a time writes the ledger. No row: a new generation has begun.
-- $1 generation
SELECT generation
FROM kpid.ledger_state
WHERE generation = $1::integer
FOR UPDATE
