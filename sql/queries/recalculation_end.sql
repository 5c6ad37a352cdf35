-- Judging anew has come to its end.
UPDATE kpid.recalculation
SET ended_at = statement_timestamp(), n_tickets = $2, n_judged = $3
WHERE recalculation_no = $1
