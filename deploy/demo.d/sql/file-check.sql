SELECT
	(SELECT count(*) FROM report.ticket WHERE opened_at IS NOT NULL),
	(SELECT coalesce(sum(opened), 0) FROM report.agent_kpi_5m)
