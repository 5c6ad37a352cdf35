-- The coaching notes about an agent.
-- $1 agent: NULL: all whose results the caller may see, $2 why: NULL: no reason
SELECT jsonb_build_object('notes', appraisal.notes($1::text, $2::text))::text AS document
