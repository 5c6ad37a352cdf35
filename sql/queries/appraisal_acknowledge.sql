-- Acknowledges a coaching note about the caller.
-- $1 note_no
SELECT jsonb_build_object('note', $1::bigint, 'state', 'acknowledged')::text AS document
FROM me.acknowledge($1::bigint) a
