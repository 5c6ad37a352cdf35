-- Writes when tickets entered and left the backlog, and adds it to the sums. A ticket that has changed since it was folded is written
-- again by the next refresh.
-- $1 ticket_ids
WITH put AS (
	INSERT INTO kpid.backlog_change (ticket_id, "time", change)
	SELECT c.ticket_id, c."time", sum(c.change)
	FROM kpid.ticket_backlog_change c
	WHERE c.ticket_id = ANY ($1::text[])
	GROUP BY c.ticket_id, c."time"
	HAVING sum(c.change) <> 0
	RETURNING "time", change
)
INSERT INTO kpid.backlog_5m AS b ("time", change)
SELECT p."time", sum(p.change)
FROM put p
GROUP BY p."time"
ON CONFLICT ("time") DO UPDATE SET change = b.change + excluded.change
