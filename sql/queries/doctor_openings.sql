-- The histories of the tickets that were opened last. Very long ones are left out.
-- $1 most_tickets, $2 most_bytes
SELECT ticket_id, history
FROM kpid.ticket
WHERE opened_at IS NOT NULL AND octet_length(history) <= $2::integer
ORDER BY opened_at DESC, ticket_id DESC
LIMIT $1::integer
