-- As migrate_lock_try.sql, and waits: somebody else's migration takes the time that it needs, and the server ends one
-- whose program is frozen (migrate_session.sql).
LOCK TABLE kpid.migration IN SHARE ROW EXCLUSIVE MODE
