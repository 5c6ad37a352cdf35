-- Deletes the items of tickets, before they are written again.
-- $1 ticket_ids
DELETE FROM kpid.ledger_item
WHERE ticket_id = ANY ($1::text[])
