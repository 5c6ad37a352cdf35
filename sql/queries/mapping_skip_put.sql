-- Adds up the records that mappings passed over, by reason.
-- $1 source_nos, $2 mappings, $3 reasons, $4 ns
INSERT INTO kpid.mapping_skip AS k (source_no, mapping, reason, n)
SELECT g.source_no, g.mapping, g.reason, g.n
FROM unnest($1::integer[], $2::text[], $3::text[], $4::bigint[]) AS g (source_no, mapping, reason, n)
ON CONFLICT (source_no, mapping, reason) DO UPDATE SET n = k.n + EXCLUDED.n
