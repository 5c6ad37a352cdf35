-- How many tickets are parked, and how many of those because PostgreSQL refuses their rows.
SELECT count(*) AS n_parked, count(*) FILTER (WHERE reason = 'refused') AS n_refused
FROM kpid.parked_ticket
