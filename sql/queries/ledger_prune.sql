-- Forgets what is older than the board shows. Older changes of the backlog become part of the row of the time -infinity;
-- ledger_prune_zeros.sql follows.
WITH old_part AS (
	DELETE FROM kpid.ledger_5m
	WHERE "time" < statement_timestamp() - interval '2 hours'
), old_group AS (
	DELETE FROM kpid.group_kpi_5m
	WHERE "time" < statement_timestamp() - interval '2 hours'
), old AS (
	DELETE FROM kpid.backlog_change
	WHERE "time" > '-infinity' AND "time" < statement_timestamp() - interval '26 hours 5 minutes'
	RETURNING ticket_id, "time", change
), ticket AS (
	INSERT INTO kpid.backlog_change AS c (ticket_id, "time", change)
	SELECT o.ticket_id, '-infinity', sum(o.change)
	FROM old o
	GROUP BY o.ticket_id
	ON CONFLICT (ticket_id, "time") DO UPDATE SET change = c.change + excluded.change
)
INSERT INTO kpid.backlog_5m AS b ("time", change)
SELECT m."time", sum(m.change)
FROM (
	SELECT o."time", -o.change AS change
	FROM old o
	UNION ALL
	SELECT '-infinity', o.change
	FROM old o
) m
GROUP BY m."time"
ON CONFLICT ("time") DO UPDATE SET change = b.change + excluded.change
