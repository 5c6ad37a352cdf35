-- Takes events back that are written in this transaction.
DELETE FROM kpid.parked_event WHERE event_no = ANY ($1::bigint[])
