-- The tickets whose deadlines have passed, the oldest deadlines first.
SELECT ticket_id
FROM ONLY kpid.sla_clock
WHERE fires_at < $1::timestamptz
ORDER BY fires_at
LIMIT 500
