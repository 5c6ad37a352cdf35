-- Inserts tickets that have no row, in the order of their keys. If another session has inserted one since, the statement fails and
-- the batch starts again, with ticket_write.sql.
-- $1 rows
INSERT INTO kpid.ticket
SELECT * FROM unnest($1::kpid.ticket[])
