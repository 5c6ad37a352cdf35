-- Parked tickets: the first of those that PostgreSQL refuses, and those that wait for a lock, with the sessions that hold rows
-- of kpid.
-- $1 locked_age_s
SELECT
	'fail' AS level,
	'ticket ' || p.ticket_id || ' cannot be written and is set aside with ' || p.n_events || ' events since '
		|| to_char(p.parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') || ': ' || p.detail AS what,
	'remove the cause: kpid retries by itself within 15 min' AS advice
FROM (
	SELECT * FROM kpid.parked_ticket WHERE reason = 'refused' ORDER BY parked_at, ticket_id LIMIT 20
) p
UNION ALL
SELECT
	'warn',
	count(*) || ' tickets are set aside since ' || to_char(min(p.parked_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
		|| ' because another session holds their rows, the first of them ' || min(p.ticket_id),
	coalesce('end the transaction of ' || kpid.lock_holders(), 'see pg_locks for who holds rows of kpid')
FROM kpid.parked_ticket p
WHERE p.reason <> 'refused' AND p.parked_at < clock_timestamp() - $1::double precision * interval '1 second'
HAVING count(*) > 0
