-- As migrate_lock_try.sql, but waits. Another migration may take long; if its program is frozen, the server ends the session
-- (migrate_session.sql).
LOCK TABLE kpid.migration IN SHARE ROW EXCLUSIVE MODE
