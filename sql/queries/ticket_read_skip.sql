-- As ticket_read_locked.sql, for a batch that has timed out on a lock: tickets that another session holds are not waited for,
-- and come with NULLs.
-- $1 ticket_ids
WITH mine AS MATERIALIZED (
	SELECT ticket_id, rev, as_of, opened_at, revision_no, history
	FROM kpid.ticket
	WHERE ticket_id = ANY ($1::text[])
	ORDER BY ticket_id
	FOR NO KEY UPDATE SKIP LOCKED
)
SELECT ticket_id, rev, as_of, opened_at, revision_no, history FROM mine
UNION ALL
SELECT t.ticket_id, NULL, NULL, NULL, NULL, NULL
FROM kpid.ticket t
WHERE t.ticket_id = ANY ($1::text[])
	AND NOT EXISTS (SELECT FROM mine m WHERE m.ticket_id = t.ticket_id)
