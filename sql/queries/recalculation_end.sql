-- Records the end of a recalculation.
-- $1 recalculation_no, $2 n_tickets, $3 n_judged
UPDATE kpid.recalculation
SET ended_at = statement_timestamp(), n_tickets = $2, n_judged = $3
WHERE recalculation_no = $1
