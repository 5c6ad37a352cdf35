-- Tickets with a deadline before the given time, oldest deadline first. Skips tickets that an open transaction has locked or
-- changed: it may be a person's, and all others would wait behind it. They are found again at the next look. Skips parked
-- tickets too: their events are folded first.
-- $1 before
SELECT c.ticket_id
FROM ONLY kpid.sla_clock c
JOIN kpid.ticket t ON t.ticket_id = c.ticket_id
WHERE c.fires_at < $1::timestamptz
	AND NOT kpid.is_in_progress(t.xmax)
	AND NOT kpid.is_in_progress(c.xmax)
	AND NOT EXISTS (SELECT FROM kpid.alert a WHERE a.ticket_id = c.ticket_id AND a.xmax <> '0' AND kpid.is_in_progress(a.xmax))
	AND NOT EXISTS (SELECT FROM kpid.parked_ticket p WHERE p.ticket_id = c.ticket_id)
ORDER BY c.fires_at
LIMIT 500
