-- Writes what the ledger knows of tickets. Skips a ticket if a later rev is there, or if it was deleted (kpid source drop): then fewer
-- rows are affected than were sent.
-- $1 ticket_ids, $2 revs, $3 opened_at, $4 requester_refs, $5 project_ids, $6 channels, $7 categories, $8 priorities
-- $9 opened_project_ids, $10 opened_team_ids, $11 generation
INSERT INTO kpid.ledger_ticket AS l (ticket_id, rev, generation, opened_at, requester_ref, project_id, channel, category, priority,
	opened_project_id, opened_team_id)
SELECT u.ticket_id, u.rev, $11::integer, u.opened_at, nullif(u.requester_ref, ''), u.project_id, u.channel, u.category, u.priority,
	u.opened_project_id, u.opened_team_id
FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
	$10::text[]) AS u (ticket_id, rev, opened_at, requester_ref, project_id, channel, category, priority, opened_project_id, opened_team_id)
WHERE EXISTS (SELECT FROM kpid.ticket t WHERE t.ticket_id = u.ticket_id AND t.rev >= u.rev)
ON CONFLICT (ticket_id) DO UPDATE
SET rev = EXCLUDED.rev,
	generation = EXCLUDED.generation,
	opened_at = EXCLUDED.opened_at,
	requester_ref = EXCLUDED.requester_ref,
	project_id = EXCLUDED.project_id,
	channel = EXCLUDED.channel,
	category = EXCLUDED.category,
	priority = EXCLUDED.priority,
	opened_project_id = EXCLUDED.opened_project_id,
	opened_team_id = EXCLUDED.opened_team_id
WHERE l.rev <= EXCLUDED.rev
