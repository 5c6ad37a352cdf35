-- Unparks tickets that were written with the given number of events. A ticket that has got more events since stays parked and is
-- due.
-- $1 ticket_ids, $2 n_events
WITH written AS (
	SELECT * FROM unnest($1::text[], $2::bigint[]) AS w (ticket_id, n_events)
), ended AS (
	DELETE FROM kpid.parked_ticket p
	USING written w
	WHERE p.ticket_id = w.ticket_id AND p.n_events = w.n_events
)
UPDATE kpid.parked_ticket p
SET n_events = p.n_events - w.n_events, next_at = clock_timestamp()
FROM written w
WHERE p.ticket_id = w.ticket_id AND p.n_events <> w.n_events
