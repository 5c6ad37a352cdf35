-- Deletes what ledger_prune.sql has made 0: a statement of its own, because a statement may not delete a row that it has changed.
WITH ticket AS (
	DELETE FROM kpid.backlog_change
	WHERE change = 0
)
DELETE FROM kpid.backlog_5m
WHERE change = 0 AND "time" > '-infinity' AND "time" < statement_timestamp() - interval '26 hours 5 minutes'
