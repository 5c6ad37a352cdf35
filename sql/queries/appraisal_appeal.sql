-- Files an appeal of the caller.
-- $1 key, $2 plan: NULL: the only one, $3 indicator: NULL: the card, $4 tickets: a JSON list, $5 words
SELECT jsonb_build_object('appeal', me.appeal($1::text, $2::text, $3::text,
	ARRAY(SELECT t.ticket_id FROM jsonb_array_elements_text($4::jsonb) AS t (ticket_id)), $5::text))::text AS document
