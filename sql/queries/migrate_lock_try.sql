-- First in the transaction of a migration: nobody else migrates until it ends. Fails where somebody does. A lock that only
-- who owns the table can take; who reads the table is not in its way.
LOCK TABLE kpid.migration IN SHARE ROW EXCLUSIVE MODE NOWAIT
