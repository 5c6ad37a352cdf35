-- Who holds a lease ($1): a name, and the process of the server.
SELECT holder, pid, taken_at FROM kpid.lease WHERE name = $1
