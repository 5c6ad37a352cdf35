-- Whether the ledger was ever made.
SELECT EXISTS (SELECT FROM kpid.ledger_ticket) AS is_there
