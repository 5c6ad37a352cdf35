-- Events of a ticket that lost against another content under the same identity; of more than 2,000 the last ones, and how many
-- there are. $1: how a message that was put aside names its ticket, as bytes.
SELECT c.topic, c.partition, c."offset", c.read_at, c.value, c.n_conflicts
FROM (
	SELECT d.topic, d.partition, d."offset", d.read_at, d.value, count(*) OVER () AS n_conflicts
	FROM kpid.dead_letter d
	WHERE d.reason = 'id_conflict' AND position($1::bytea IN d.value) > 0
	ORDER BY d.read_at DESC, d.topic DESC, d.partition DESC, d."offset" DESC
	LIMIT 2000
) c
ORDER BY c.read_at, c.topic, c.partition, c."offset"
