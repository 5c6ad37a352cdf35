-- The events of tickets as CloudEvents, one row for each. A ticket without events here has one row: it is missing, or it exists and
-- report.explain_ticket leaves its events out.
-- $1 ticket_ids
SELECT u.ticket_id, x.explained IS NULL AS is_missing, e.event::text AS event
FROM unnest($1::text[]) AS u (ticket_id)
CROSS JOIN LATERAL (
	SELECT report.explain_ticket(u.ticket_id) AS explained
	OFFSET 0 -- once for each ticket
) x
LEFT JOIN LATERAL (
	SELECT s.step -> 'event' AS event
	FROM jsonb_array_elements(
		CASE WHEN jsonb_typeof(x.explained -> 'events') = 'array' THEN x.explained -> 'events' ELSE '[]' END) AS s (step)
	WHERE jsonb_typeof(s.step -> 'event') = 'object'
) e ON true
ORDER BY u.ticket_id
