-- Deletes the sums per month behind which ledger_months_merge.sql has left no row: a statement of its own, because a statement may not
-- delete a row that it has changed.
WITH months AS (
	DELETE FROM kpid.ledger_month
	WHERE n_rows = 0
), items AS (
	DELETE FROM kpid.ledger_item_month
	WHERE answered = 0
)
DELETE FROM kpid.ledger_reach
WHERE n = 0
