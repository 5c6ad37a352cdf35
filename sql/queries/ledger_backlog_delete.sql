-- Deletes when tickets entered and left the backlog, before it is written again, and takes it out of the sums.
-- $1 ticket_ids
WITH gone AS (
	DELETE FROM kpid.backlog_change
	WHERE ticket_id = ANY ($1::text[])
	RETURNING "time", change
)
INSERT INTO kpid.backlog_5m AS b ("time", change)
SELECT g."time", -sum(g.change)
FROM gone g
GROUP BY g."time"
ON CONFLICT ("time") DO UPDATE SET change = b.change + excluded.change
