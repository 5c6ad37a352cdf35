-- Parks tickets with their events. A ticket that is parked already keeps its reason and detail.
-- $1 event_ticket_ids, $2 event_source_nos, $3 events
-- $4 ticket_ids, $5 reasons, $6 n_events: one per ticket, in the order of the keys
-- $7 detail
WITH events AS (
	INSERT INTO kpid.parked_event (ticket_id, source_no, event)
	SELECT * FROM unnest($1::text[], $2::integer[], $3::bytea[])
)
INSERT INTO kpid.parked_ticket AS p (ticket_id, reason, detail, n_events)
SELECT t.ticket_id, t.reason, $7::text, t.n_events
FROM unnest($4::text[], $5::text[], $6::bigint[]) AS t (ticket_id, reason, n_events)
ON CONFLICT (ticket_id) DO UPDATE SET n_events = p.n_events + EXCLUDED.n_events
