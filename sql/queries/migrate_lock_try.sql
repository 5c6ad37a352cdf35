-- First statement of a migration: no other migration runs until this transaction ends. Fails if one is running. Only the owner
-- of the table can take this lock, and it does not block readers.
LOCK TABLE kpid.migration IN SHARE ROW EXCLUSIVE MODE NOWAIT
