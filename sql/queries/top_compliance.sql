-- Measured and met targets: in the last hour, and since midnight.
-- $1 time_zone
SELECT
	0 AS today,
	coalesce(sum(first_response_measured), 0)::bigint AS first_response_measured,
	coalesce(sum(first_response_within_sla), 0)::bigint AS first_response_within_sla,
	coalesce(sum(next_response_measured), 0)::bigint AS next_response_measured,
	coalesce(sum(next_response_within_sla), 0)::bigint AS next_response_within_sla,
	coalesce(sum(arrival_measured), 0)::bigint AS arrival_measured,
	coalesce(sum(arrival_within_sla), 0)::bigint AS arrival_within_sla,
	coalesce(sum(resolution_measured), 0)::bigint AS resolution_measured,
	coalesce(sum(resolution_within_sla), 0)::bigint AS resolution_within_sla
FROM report.agent_kpi_rolling
WHERE "window" = '1h'
UNION ALL
SELECT
	1,
	coalesce(sum(first_response_measured), 0)::bigint,
	coalesce(sum(first_response_within_sla), 0)::bigint,
	coalesce(sum(next_response_measured), 0)::bigint,
	coalesce(sum(next_response_within_sla), 0)::bigint,
	coalesce(sum(arrival_measured), 0)::bigint,
	coalesce(sum(arrival_within_sla), 0)::bigint,
	coalesce(sum(resolution_measured), 0)::bigint,
	coalesce(sum(resolution_within_sla), 0)::bigint
FROM report.agent_kpi_5m
WHERE "time" >= date_trunc('day', statement_timestamp(), $1::text)
	AND "time" <= statement_timestamp()
ORDER BY today
