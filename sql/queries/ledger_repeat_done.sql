-- The noted tickets are done.
DELETE FROM kpid.ledger_repeat_due
