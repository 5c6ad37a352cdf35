-- Writes a coaching note.
-- $1 agent, $2 plan: NULL: the only one, $3 indicator, $4 tickets: a JSON list, $5 agreed, $6 target: NULL: none, $7 follow_up, $8 who
SELECT jsonb_build_object('note', appraisal.note($1::text, $2::text, $3::text,
	ARRAY(SELECT t.ticket_id FROM jsonb_array_elements_text($4::jsonb) AS t (ticket_id)), $5::text, $6::text, $7::date, $8::text))::text AS document
