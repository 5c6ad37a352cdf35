-- Clocks that have not stopped, by state.
SELECT
	count(*) FILTER (WHERE l.state = 'breached') AS n_breached,
	count(*) FILTER (WHERE l.state = 'at_risk') AS n_at_risk,
	count(*) FILTER (WHERE l.state = 'pending') AS n_pending,
	count(*) FILTER (WHERE l.state = 'paused') AS n_paused
FROM report.sla_live l
