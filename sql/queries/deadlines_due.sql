-- The tickets whose deadlines have passed, the oldest deadlines first. One that a transaction under way has locked or changed is
-- passed over: it may be a person's, who has left it open, and all others would wait behind it. It is there at the next look.
-- Of those that were set aside, events are not folded yet: they are judged after that.
SELECT c.ticket_id
FROM ONLY kpid.sla_clock c
JOIN kpid.ticket t ON t.ticket_id = c.ticket_id
WHERE c.fires_at < $1::timestamptz
	AND NOT kpid.is_in_progress(t.xmax)
	AND NOT kpid.is_in_progress(c.xmax)
	AND NOT EXISTS (SELECT FROM kpid.alert a WHERE a.ticket_id = c.ticket_id AND kpid.is_in_progress(a.xmax))
	AND NOT EXISTS (SELECT FROM kpid.parked_ticket p WHERE p.ticket_id = c.ticket_id)
ORDER BY c.fires_at
LIMIT 500
