-- The fence for a retry: locks the parked tickets. Fewer rows than expected: another instance retries them. Locks the partitions
-- of their events first, whose counts parked_counted.sql changes, because every transaction locks in this order.
-- $1 source_nos, $2 ticket_ids
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
