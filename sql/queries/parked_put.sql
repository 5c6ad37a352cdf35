-- Sets tickets aside: their events ($1 to $3), and the tickets in the order of their keys, each with a reason and the
-- number of its events ($4 to $6). Why, in words ($7), stays as it was for those that are set aside already.
WITH events AS (
	INSERT INTO kpid.parked_event (ticket_id, source_no, event)
	SELECT * FROM unnest($1::text[], $2::integer[], $3::bytea[])
)
INSERT INTO kpid.parked_ticket AS p (ticket_id, reason, detail, n_events)
SELECT t.ticket_id, t.reason, $7::text, t.n_events
FROM unnest($4::text[], $5::text[], $6::bigint[]) AS t (ticket_id, reason, n_events)
ON CONFLICT (ticket_id) DO UPDATE SET n_events = p.n_events + EXCLUDED.n_events
