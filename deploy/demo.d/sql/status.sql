-- One line of the demo's table.
SELECT
	to_char(f.messages, 'FM9,999,999'),
	f.messages,
	coalesce(CASE WHEN f.lag_unknown > 0 THEN '>=' ELSE '' END || to_char(f.lag, 'FM9,999,999'), 'unknown'),
	to_char(k.opened, 'FM9,999,999'),
	to_char(k.backlog, 'FM9,999,999'),
	coalesce(to_char(100.0 * k.first_response_within_sla / nullif(k.first_response_measured, 0), 'FM990.0') || ' %', '-'),
	coalesce(to_char(100.0 * k.resolution_within_sla / nullif(k.resolution_measured, 0), 'FM990.0') || ' %', '-'),
	coalesce(to_char(100.0 * k.csat_satisfied / nullif(k.csat_responses, 0), 'FM990.0') || ' %', '-'),
	s.breached,
	a.alerts,
	a.voided,
	f.rejected
FROM (
	SELECT sum(n_messages) AS messages, sum(lag_messages) AS lag, count(*) - count(lag_messages) AS lag_unknown, sum(n_dead_letters) AS rejected
	FROM report.data_freshness
) f
CROSS JOIN (
	SELECT
		coalesce(sum(opened), 0) AS opened,
		coalesce(sum(backlog), 0) AS backlog,
		sum(first_response_measured) AS first_response_measured,
		sum(first_response_within_sla) AS first_response_within_sla,
		sum(resolution_measured) AS resolution_measured,
		sum(resolution_within_sla) AS resolution_within_sla,
		sum(csat_responses) AS csat_responses,
		sum(csat_satisfied) AS csat_satisfied
	FROM report.agent_kpi_rolling
	WHERE "window" = '15m'
) k
CROSS JOIN (
	SELECT count(*) AS breached
	FROM report.sla_live
	WHERE state = 'breached'
) s
CROSS JOIN (
	SELECT count(*) AS alerts, count(*) FILTER (WHERE state = 'voided') AS voided
	FROM report.alert
) a
