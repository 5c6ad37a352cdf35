-- Inserts cycles that a reopening has ended, and updates those that late events have changed.
-- $1 rows
INSERT INTO kpid.past_cycle
SELECT * FROM unnest($1::kpid.past_cycle[])
ON CONFLICT (ticket_id, cycle) DO UPDATE
SET started_at = EXCLUDED.started_at,
	resolved_at = EXCLUDED.resolved_at,
	closed_at = EXCLUDED.closed_at,
	due_at = EXCLUDED.due_at,
	verdict = EXCLUDED.verdict,
	resolution = EXCLUDED.resolution,
	resolver_id = EXCLUDED.resolver_id,
	closer_id = EXCLUDED.closer_id,
	resolution_working_us = EXCLUDED.resolution_working_us
