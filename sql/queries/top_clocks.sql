-- The clocks that have not stopped, by state.
SELECT
	count(*) FILTER (WHERE l.state = 'breached'),
	count(*) FILTER (WHERE l.state = 'at_risk'),
	count(*) FILTER (WHERE l.state = 'pending'),
	count(*) FILTER (WHERE l.state = 'paused')
FROM report.sla_live l
