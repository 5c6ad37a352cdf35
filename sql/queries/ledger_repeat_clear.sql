-- Sets the measure repeated of the noted tickets to 0. An array is looked up in the index, also before the table is analyzed.
UPDATE kpid.ledger l
SET repeated = NULL
WHERE l.ticket_id = ANY (ARRAY(SELECT d.ticket_id FROM kpid.ledger_repeat_due d))
	AND l.repeated IS NOT NULL
