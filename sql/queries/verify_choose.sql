-- $1 tickets by chance, each as likely as any other.
SELECT ticket_id
FROM kpid.ticket
ORDER BY random()
LIMIT $1::bigint
