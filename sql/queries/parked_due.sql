-- Parked tickets whose retry is due, with their first events: one row per event, or one row without an event.
-- $1 limit: of tickets
WITH due AS (
	SELECT p.ticket_id
	FROM kpid.parked_ticket p
	WHERE p.next_at <= clock_timestamp()
	ORDER BY p.next_at, p.ticket_id
	LIMIT $1::bigint
)
SELECT d.ticket_id, e.event_no, e.source_no, e.event
FROM due d
LEFT JOIN LATERAL (
	SELECT event_no, source_no, event
	FROM kpid.parked_event
	WHERE ticket_id = d.ticket_id
	ORDER BY event_no
	LIMIT 5000
) e ON true
ORDER BY d.ticket_id, e.event_no
LIMIT 20000
