-- What the metrics show of the database, in rows of different kinds. name: the kind; target and state: of clocks, as numbers and in
-- the order of enum metrics_clock_state; n: how many; at: since when, or now; NULL: of this kind there is only a number.
-- $1 projects: whose clocks are also counted by project
SELECT 'clocks' AS name, c.target::integer AS target, s.state, NULL AS project, count(*) AS n, NULL::timestamptz AS at
FROM kpid.sla_clock c
CROSS JOIN LATERAL (
	SELECT CASE WHEN c.breached THEN 2 WHEN c.paused THEN 3 WHEN c.at_risk_at <= statement_timestamp() THEN 1 ELSE 0 END AS state
) s
WHERE NOT c.stopped
GROUP BY c.target, s.state
UNION ALL
SELECT 'project_clocks', c.target::integer, s.state, t.project_id, count(*), NULL
FROM kpid.ticket t
JOIN kpid.sla_clock c ON c.ticket_id = t.ticket_id
CROSS JOIN LATERAL (
	SELECT CASE WHEN c.breached THEN 2 WHEN c.paused THEN 3 WHEN c.at_risk_at <= statement_timestamp() THEN 1 ELSE 0 END AS state
) s
WHERE NOT c.stopped AND t.project_id = ANY ($1::text[]) AND cardinality($1::text[]) > 0
GROUP BY c.target, s.state, t.project_id
UNION ALL
SELECT 'outbox', NULL, NULL, NULL, count(*), coalesce(min(o.created_at), clock_timestamp())
FROM kpid.outbox o
UNION ALL
SELECT 'unrouted', NULL, NULL, NULL, count(*), coalesce(min(n.changed_at), clock_timestamp())
FROM kpid.notification n
UNION ALL
SELECT 'gaps', NULL, NULL, NULL, count(*), clock_timestamp()
FROM kpid.gap g
WHERE g.accepted_at IS NULL
UNION ALL
SELECT 'refused', NULL, NULL, NULL, count(*) FILTER (WHERE p.reason = 'refused'), NULL
FROM kpid.parked_ticket p
UNION ALL
SELECT 'waiting', NULL, NULL, NULL, count(*) FILTER (WHERE p.reason <> 'refused'), NULL
FROM kpid.parked_ticket p
