-- Removes parked events that this transaction writes.
-- $1 event_nos
DELETE FROM kpid.parked_event WHERE event_no = ANY ($1::bigint[])
