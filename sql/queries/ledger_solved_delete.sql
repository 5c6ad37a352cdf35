-- Deletes the solved cycles of tickets, before they are written again.
-- $1 ticket_ids
DELETE FROM kpid.ledger_solved
WHERE ticket_id = ANY ($1::text[])
