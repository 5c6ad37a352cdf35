-- A ticket's events that lost against another content with the same id; the last 2,000, with the number of all.
-- $1 pattern: the ticket's id as it appears in the bytes of a message
SELECT c.topic, c.partition, c."offset", c.read_at, c.value, c.n_conflicts
FROM (
	SELECT d.topic, d.partition, d."offset", d.read_at, d.value, count(*) OVER () AS n_conflicts
	FROM kpid.dead_letter d
	WHERE d.reason = 'id_conflict' AND position($1::bytea IN d.value) > 0
	ORDER BY d.read_at DESC, d.topic DESC, d.partition DESC, d."offset" DESC
	LIMIT 2000
) c
ORDER BY c.read_at, c.topic, c.partition, c."offset"
