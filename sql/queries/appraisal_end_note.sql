-- Ends a coaching note of the caller.
-- $1 note_no, $2 state: done or dropped, $3 outcome
SELECT jsonb_build_object('note', $1::bigint, 'state', $2::text)::text AS document
FROM appraisal.end_note($1::bigint, $2::text, $3::text) e
