-- Begins a new generation of the ledger: all tickets have to be folded again. Does nothing if another refresh was first.
-- $1 generation: the one that ends, $2 settings
UPDATE kpid.ledger_state
SET generation = generation + 1,
	made_with = $2,
	scanned_to = NULL
WHERE generation = $1::integer
