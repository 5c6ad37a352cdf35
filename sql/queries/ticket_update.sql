-- Updates tickets that have a row, in the order of their keys. Skips a row that another session has written since it was read. Then
-- fewer rows are affected than were sent, and the batch starts again. An upsert would first lock each row, which is work and WAL.
-- The plan must look each ticket up by its key, in the order of the array: see clock_delete.sql.
-- $1 rows
UPDATE kpid.ticket t
SET rev = g.rev,
	revision_no = g.revision_no,
	as_of = g.as_of,
	opened_at = g.opened_at,
	first_response_at = g.first_response_at,
	arrived_at = g.arrived_at,
	cycle_started_at = g.cycle_started_at,
	resolved_at = g.resolved_at,
	closed_at = g.closed_at,
	first_response_due_at = g.first_response_due_at,
	resolution_due_at = g.resolution_due_at,
	cycle_due_at = g.cycle_due_at,
	csat_score_micros = g.csat_score_micros,
	csat_scale_micros = g.csat_scale_micros,
	revised_at = g.revised_at,
	cycle = g.cycle,
	reopen_count = g.reopen_count,
	transfer_count = g.transfer_count,
	state = g.state,
	first_response_verdict = g.first_response_verdict,
	resolution_verdict = g.resolution_verdict,
	cycle_verdict = g.cycle_verdict,
	resolution = g.resolution,
	project_id = g.project_id,
	channel = g.channel,
	category = g.category,
	priority = g.priority,
	team_id = g.team_id,
	requester_ref = g.requester_ref,
	agent_id = g.agent_id,
	first_owner_id = g.first_owner_id,
	responder_id = g.responder_id,
	arrived_by_id = g.arrived_by_id,
	resolver_id = g.resolver_id,
	closer_id = g.closer_id,
	policy = g.policy,
	history = g.history,
	first_response_working_us = g.first_response_working_us,
	resolution_working_us = g.resolution_working_us
FROM unnest((SELECT $1::kpid.ticket[])) AS g
WHERE t.ticket_id = g.ticket_id
	AND t.rev = g.rev - 1
	AND g.rev > 1 AND g.cycle >= 0
