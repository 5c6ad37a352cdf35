-- Agents over the last hour: most breaches first, then most work. Each row also has the number of agents and their total
-- backlog.
-- $1 limit
SELECT
	a.agent_id,
	a.opened::bigint,
	a.responded::bigint,
	a.resolved::bigint,
	s.measured::bigint,
	s.within_sla::bigint,
	a.backlog,
	count(*) OVER () AS n_agents,
	(sum(a.backlog) OVER ())::bigint AS n_open
FROM report.agent_kpi_rolling a
CROSS JOIN LATERAL (
	SELECT
		a.first_response_measured + a.next_response_measured + a.arrival_measured
			+ a.resolution_measured AS measured,
		a.first_response_within_sla + a.next_response_within_sla + a.arrival_within_sla
			+ a.resolution_within_sla AS within_sla
) s
WHERE a."window" = '1h'
ORDER BY s.measured - s.within_sla DESC, a.opened + a.responded + a.resolved DESC, a.backlog DESC, a.agent_id
LIMIT $1::bigint
