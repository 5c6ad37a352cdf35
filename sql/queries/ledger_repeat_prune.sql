-- Deletes the rows of the noted tickets that are all 0.
DELETE FROM kpid.ledger l
WHERE l.ticket_id = ANY (ARRAY(SELECT d.ticket_id FROM kpid.ledger_repeat_due d))
	AND num_nonnulls(
		{{measures: l.{column}}},
		{{ledger: l.{column}}}) = 0
