-- Deletes tickets without events, and what the ledger knows of them. Returns how many.
-- $1 ticket_ids
SELECT kpid.delete_emptied_tickets($1::text[]) AS n_deleted
