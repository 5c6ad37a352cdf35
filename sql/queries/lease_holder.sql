-- Who holds a lease.
-- $1 name
SELECT holder, pid, taken_at FROM kpid.lease WHERE name = $1
