-- Events of a ticket that lost against another content under the same identity. $1: how a message that was put
-- aside names its ticket, as bytes.
SELECT d.topic, d.partition, d."offset", d.read_at, d.value
FROM kpid.dead_letter d
WHERE d.reason = 'id_conflict' AND position($1::bytea IN d.value) > 0
ORDER BY d.read_at, d.topic, d.partition, d."offset"
