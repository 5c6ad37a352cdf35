-- How many tickets are set aside, and how many of them because PostgreSQL refuses their rows.
SELECT count(*), count(*) FILTER (WHERE reason = 'refused') FROM kpid.parked_ticket
