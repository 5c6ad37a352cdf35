-- The fence of who tries tickets again ($2): fewer rows than asked for, and another instance does. The partitions that
-- their events came from ($1) are locked before, because duplicates among them are counted there, in the order that all keep.
WITH sources AS MATERIALIZED (
	SELECT p.source_no
	FROM kpid.source_partition p
	WHERE p.source_no = ANY ($1::integer[])
	ORDER BY p.source_no
	FOR NO KEY UPDATE
), counted AS MATERIALIZED (
	SELECT count(*) AS n FROM sources
)
SELECT t.ticket_id
FROM counted c, kpid.parked_ticket t
WHERE t.ticket_id = ANY ($2::text[])
	AND c.n >= 0
ORDER BY t.ticket_id
FOR UPDATE OF t SKIP LOCKED
