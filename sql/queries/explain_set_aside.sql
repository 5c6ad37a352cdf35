-- Why events of a ticket are not folded yet, and how many. No row: all are.
SELECT reason, detail, n_events, parked_at FROM kpid.parked_ticket WHERE ticket_id = $1
