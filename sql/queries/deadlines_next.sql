-- The next deadline that deadlines_due.sql would find.
SELECT c.fires_at
FROM ONLY kpid.sla_clock c
JOIN kpid.ticket t ON t.ticket_id = c.ticket_id
WHERE NOT kpid.is_in_progress(t.xmax)
	AND NOT kpid.is_in_progress(c.xmax)
	AND NOT EXISTS (SELECT FROM kpid.alert a WHERE a.ticket_id = c.ticket_id AND a.xmax <> '0' AND kpid.is_in_progress(a.xmax))
	AND NOT EXISTS (SELECT FROM kpid.parked_ticket p WHERE p.ticket_id = c.ticket_id)
ORDER BY c.fires_at
LIMIT 1
