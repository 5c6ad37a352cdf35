-- Fills a database for board_queries.py. :n_tickets are open, half as many are closed.
INSERT INTO kpid.setting VALUES ('report.time_zone', 'Asia/Shanghai');
INSERT INTO kpid.source_partition (topic, partition, epoch, owner, next_offset, complete_until)
SELECT 'events', i, 1, 'bench', 1000, now()
FROM generate_series(0, 15) AS i;

CREATE UNLOGGED TABLE filled AS
SELECT
	'T-' || md5(i::text) AS ticket_id,
	i,
	i <= :n_tickets AS is_open,
	i % 10 = 0 AS is_paused,
	i % 20 = 1 AS is_breached,
	now() - i * interval '1 second' * 1000000 / :n_tickets AS opened_at,
	-- One of 100 projects has a hundredth of what the others have.
	'project-' || CASE WHEN i % 10000 = 0 THEN 100 ELSE i % 99 END AS project_id,
	'team-' || i % 1000 AS team_id,
	'agent-' || (hashint4(i) & 2147483647) % :n_agents AS agent_id,
	(ARRAY['low', 'normal', 'high', 'urgent'])[1 + i % 4] AS priority,
	'category-' || i % 50 AS category
FROM generate_series(1, :n_tickets * 3 / 2) AS i;

INSERT INTO kpid.ticket (ticket_id, rev, as_of, opened_at, resolved_at, closed_at, first_response_at, responder_id, resolver_id, revised_at, cycle,
	reopen_count, transfer_count, state, first_response_verdict, resolution_verdict, cycle_verdict, resolution, project_id, team_id,
	agent_id, first_owner_id, priority, category, channel, history)
SELECT
	ticket_id, 2, now(), opened_at,
	CASE WHEN NOT is_open THEN opened_at + interval '3 hours' END,
	CASE WHEN NOT is_open THEN opened_at + interval '3 hours' END,
	CASE WHEN NOT is_open OR i % 5 < 3 THEN opened_at + interval '5 minutes' END,
	CASE WHEN NOT is_open OR i % 5 < 3 THEN agent_id END,
	CASE WHEN NOT is_open THEN agent_id END,
	now(), 1, 0, 0,
	CASE WHEN NOT is_open THEN 4 WHEN is_paused THEN 2 ELSE 1 END,
	1, 1, 1, CASE WHEN is_open THEN 0 ELSE 1 END, project_id, team_id, agent_id, agent_id, priority, category, 'web',
	decode(repeat(md5(ticket_id), 8), 'hex')
FROM filled
ORDER BY opened_at;

-- A resolution for each open ticket, a first response for two of five.
CREATE UNLOGGED TABLE filled_clock AS
SELECT
	f.ticket_id, c.target, f.opened_at,
	CASE
		WHEN f.is_paused THEN NULL
		WHEN f.is_breached THEN now() - (f.i % 100000) * interval '1 second'
		ELSE now() + (1 + f.i % 250000) * interval '1 second'
	END AS due_at,
	f.is_breached AND NOT f.is_paused AS is_breached,
	f.is_paused,
	f.i
FROM filled f
CROSS JOIN LATERAL (
	SELECT 3 AS target
	UNION ALL
	SELECT 0 WHERE f.i % 5 >= 3
) c
WHERE f.is_open;

INSERT INTO kpid.sla_clock (ticket_id, target, n, cycle, started_at, due_at, fires_at, zero_at, at_risk_at, left_us, breached, paused, stopped)
SELECT ticket_id, target, 1, 1, opened_at, due_at, due_at, due_at, due_at - interval '3 hours', NULL, false, false, false
FROM filled_clock
WHERE NOT is_paused AND NOT is_breached
ORDER BY opened_at;
INSERT INTO kpid.sla_clock_idle (ticket_id, target, n, cycle, started_at, due_at, fires_at, zero_at, at_risk_at, left_us, breached, paused,
	stopped)
SELECT ticket_id, target, 1, 1, opened_at, due_at, NULL, due_at, due_at - interval '3 hours', CASE WHEN is_paused THEN i * 1000000::bigint END, is_breached,
	is_paused, false
FROM filled_clock
WHERE is_paused OR is_breached
ORDER BY opened_at;

-- Breaches: those that still run, and ten times as many that are over.
INSERT INTO kpid.alert (alert_id, ticket_id, target, n, revision, state, level, due_at, breached_at, cause, owner_at_breach, project_id, detected_at,
	resolved_at, unconfirmed, delivery)
SELECT
	md5(f.ticket_id || k), f.ticket_id, 'resolution', k, 1, CASE WHEN k = 1 THEN 'breached' WHEN k = 2 THEN 'voided' ELSE 'resolved' END, 0,
	b.at, b.at, 'deadline', f.agent_id, f.project_id, b.at + interval '1 second', CASE WHEN k > 2 THEN b.at + interval '1 hour' END, f.i % 1000 = 1,
	'queued'
FROM filled f
CROSS JOIN generate_series(1, 11) AS k
CROSS JOIN LATERAL (
	SELECT now() - (f.i % 100000) * interval '1 second' * k AS at
) b
WHERE f.is_open AND f.is_breached;

-- Each agent has work in four of the twelve buckets of an hour: of this one, of the day before and of the week before.
INSERT INTO kpid.agent_kpi_5m ("time", agent_id, opened, responded, resolved, first_response_within_sla, first_response_measured,
	resolution_within_sla, resolution_measured, csat_score_micros_sum, csat_responses)
SELECT
	date_bin('5 minutes', now(), '2000-01-01 00:00:00+00') - b * interval '5 minutes', 'agent-' || a, 2, 2, 1, 2, 2, CASE WHEN a % 10 > 0 THEN 1 END, 1,
	4000000, 1
FROM generate_series(0, :n_agents - 1) AS a
CROSS JOIN (
	SELECT generate_series(-6, 26) AS b
	UNION ALL
	SELECT generate_series(2016, 2028)
) b
WHERE (a + b) % 3 = 0;
INSERT INTO kpid.agent_backlog
SELECT agent_id, count(*)
FROM filled
WHERE is_open
GROUP BY agent_id;

-- Of the last two hours: what 240,000 tickets contributed. Of the last day: when 300,000 entered or left the backlog.
INSERT INTO kpid.ledger_5m ("time", ticket_id, agent_id, project_id, team_id, opened, responded, resolved, within_sla, measured, csat_responses,
	csat_score_micros_sum)
SELECT
	date_bin('5 minutes', now(), '2000-01-01 00:00:00+00') - i % 24 * interval '5 minutes', ticket_id, agent_id, project_id, team_id,
	i % 2, 1, i % 3 / 2, i % 3 / 2, i % 3 / 2, 1 - i % 2, (1 - i % 2) * 800000
FROM filled
WHERE i <= :n_tickets * 24 / 100;
INSERT INTO kpid.group_kpi_5m ("time", project_id, team_id, opened, responded, resolved, within_sla, measured, csat_responses, csat_score_micros_sum)
SELECT
	"time", project_id, team_id, sum(opened), sum(responded), sum(resolved), sum(within_sla), sum(measured), sum(csat_responses),
	sum(csat_score_micros_sum)
FROM kpid.ledger_5m
GROUP BY "time", project_id, team_id;
INSERT INTO kpid.backlog_change (ticket_id, "time", change)
SELECT ticket_id, date_bin('5 minutes', now(), '2000-01-01 00:00:00+00') - i % 300 * interval '5 minutes', 1 - i % 3 / 2 * 2
FROM filled
WHERE i <= :n_tickets * 30 / 100;
INSERT INTO kpid.backlog_5m ("time", change)
SELECT "time", sum(change)
FROM kpid.backlog_change
GROUP BY "time";
UPDATE kpid.ledger_state SET refreshed_at = now();
DROP TABLE filled, filled_clock;
