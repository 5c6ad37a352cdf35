-- Why a parked ticket's events are not folded, and how many they are. No row: the ticket is not parked.
-- $1 ticket_id
SELECT reason, detail, n_events, parked_at FROM kpid.parked_ticket WHERE ticket_id = $1
