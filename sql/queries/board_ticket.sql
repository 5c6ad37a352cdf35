-- A ticket: its row, and how it came to its figures. No row: there is no such ticket.
-- $1 ticket_id
SELECT
	statement_timestamp() AS now,
	to_jsonb(t) AS ticket,
	report.explain_ticket(t.ticket_id) AS explanation
FROM report.ticket t
WHERE t.ticket_id = $1::text
