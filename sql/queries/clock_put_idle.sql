-- Inserts or updates clocks that have no pending deadline.
-- $1 rows: of the row type kpid.sla_clock
INSERT INTO kpid.sla_clock_idle
SELECT * FROM unnest($1::kpid.sla_clock[])
ON CONFLICT (ticket_id, target, n) DO UPDATE
SET cycle = EXCLUDED.cycle,
	started_at = EXCLUDED.started_at,
	due_at = EXCLUDED.due_at,
	zero_at = EXCLUDED.zero_at,
	at_risk_at = EXCLUDED.at_risk_at,
	left_us = EXCLUDED.left_us,
	breached = EXCLUDED.breached,
	paused = EXCLUDED.paused,
	stopped = EXCLUDED.stopped,
	calendar = EXCLUDED.calendar
