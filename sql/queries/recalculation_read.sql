-- Tickets opened from $1 to before $2 (NULL: no bound), after the ticket $3, in the order of their ids.
SELECT ticket_id
FROM kpid.ticket
WHERE ticket_id > $3
	AND opened_at IS NOT NULL
	AND ($1::timestamptz IS NULL OR opened_at >= $1::timestamptz)
	AND ($2::timestamptz IS NULL OR opened_at < $2::timestamptz)
ORDER BY ticket_id
LIMIT 1000
