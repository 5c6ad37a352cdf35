-- What was measured, and what of it was met, per 5 minutes and target.
-- $1 from, $2 until
SELECT
	b."time" AS bucket,
	sum(b.first_response_within_sla)::bigint AS first_response_within,
	sum(b.next_response_within_sla)::bigint AS next_response_within,
	sum(b.arrival_within_sla)::bigint AS arrival_within,
	sum(b.resolution_within_sla)::bigint AS resolution_within,
	sum(b.first_response_measured)::bigint AS first_response_measured,
	sum(b.next_response_measured)::bigint AS next_response_measured,
	sum(b.arrival_measured)::bigint AS arrival_measured,
	sum(b.resolution_measured)::bigint AS resolution_measured
FROM report.agent_kpi_5m b
WHERE b."time" >= $1::timestamptz AND b."time" < $2::timestamptz
GROUP BY b."time"
