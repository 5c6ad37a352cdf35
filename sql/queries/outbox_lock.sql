-- One instance at a time sends, so that the messages of an alert keep their order. The lock is the
-- connection's: it ends with it. (The numbers are the bytes of "kpid" and "outb".)
SELECT pg_try_advisory_lock(1802529124, 1869968482)
