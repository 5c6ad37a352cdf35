-- Tickets that are open, and running clocks by state. unconfirmed: breaches of the last day that still wait for a silent source.
SELECT
	(SELECT coalesce(sum(b.backlog), 0)::bigint FROM report.agent_backlog b) AS open,
	(
		SELECT count(*)
		FROM report.sla_clock c
		WHERE NOT c.breached AND NOT c.paused AND c.at_risk_at <= statement_timestamp()
	) AS at_risk,
	i.breached + (
		SELECT count(*)
		FROM report.sla_clock c
		WHERE c.next_at IS NOT NULL AND c.breached
	) AS breached,
	i.paused,
	(
		SELECT count(*)
		FROM report.alert a
		WHERE a.breached_at >= statement_timestamp() - interval '24 hours' AND a.unconfirmed AND a.state IN ('breached', 'acknowledged')
	) AS unconfirmed
FROM (
	SELECT
		count(*) FILTER (WHERE c.breached) AS breached,
		count(*) FILTER (WHERE c.paused AND NOT c.breached) AS paused
	FROM report.sla_clock c
	WHERE c.next_at IS NULL
) i
