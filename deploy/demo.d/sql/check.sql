-- Counts again, in plain SQL, from the desk's own log (sent.csv) what the tables of kpid must show, and compares. The
-- desk's tickets lead orderly lives (one pause at most, resolved before closed, closed before reopened), which keeps
-- this short. Prints: what, the desk's count, kpid's count, rows or sums that differ.
SET client_min_messages = warning;
SET TIME ZONE 'UTC';

CREATE TEMP TABLE sent (
	sent_at timestamptz, fate text, reason text, topic text, ticket_id text COLLATE "C", type text, at timestamptz,
	agent_id text COLLATE "C", automatic integer, resolution text, kind text, score numeric, scale_max numeric,
	category text
);
\copy sent FROM 'sent.csv' WITH (FORMAT csv)

-- What happened, each step with its cycle.
CREATE TEMP TABLE step AS
SELECT *, 1 + count(*) FILTER (WHERE type = 'ticket.reopened') OVER (PARTITION BY ticket_id ORDER BY at) AS cycle
FROM sent
WHERE fate = 'event';
CREATE INDEX ON step (ticket_id, at);
ANALYZE step;

-- The owners of each ticket, and since when.
CREATE TEMP TABLE owner AS
SELECT
	ticket_id, at, agent_id,
	lag(agent_id) OVER (PARTITION BY ticket_id ORDER BY at) AS from_agent
FROM step
WHERE type IN ('ticket.opened', 'ticket.assigned');

CREATE TEMP TABLE target (category text, first_response interval, resolution interval, pauses boolean);
INSERT INTO target VALUES
	('lift/%', '10 s', '60 s', false),
	('fire-safety/%', '10 s', '60 s', false),
	('repair/%', '20 s', '75 s', true),
	('complaint/%', '30 s', '90 s', false),
	('inquiry/%', '30 s', '60 s', false);

CREATE TEMP TABLE ticket AS
SELECT
	s.ticket_id,
	min(s.at) FILTER (WHERE s.type = 'ticket.opened') AS opened_at,
	max(s.category) AS category,
	min(s.at) FILTER (WHERE s.type = 'ticket.responded' AND s.automatic = 0) AS first_response_at,
	(array_agg(s.agent_id ORDER BY s.at)
		FILTER (WHERE s.type = 'ticket.responded' AND s.automatic = 0))[1] AS responder_id,
	(array_agg(s.agent_id ORDER BY s.at DESC)
		FILTER (WHERE s.type IN ('ticket.opened', 'ticket.assigned')))[1] AS agent_id,
	max(s.cycle)::integer AS cycle,
	(array_agg(
		CASE s.type
			WHEN 'ticket.paused' THEN 'paused' WHEN 'ticket.resolved' THEN 'resolved' WHEN 'ticket.closed' THEN 'closed'
			ELSE 'open'
		END ORDER BY s.at DESC)
		FILTER (WHERE s.type IN ('ticket.opened', 'ticket.paused', 'ticket.resumed', 'ticket.resolved', 'ticket.closed',
			'ticket.reopened')))[1] AS state,
	(SELECT count(*) FROM owner o WHERE o.ticket_id = s.ticket_id AND o.from_agent IS NOT NULL)::integer AS transfer_count
FROM step s
GROUP BY s.ticket_id;

CREATE TEMP TABLE cycle AS
SELECT
	c.*,
	CASE WHEN paused_at < started_at + g.resolution AND g.pauses THEN started_at + g.resolution + (resumed_at - paused_at)
		ELSE started_at + g.resolution END AS due_at
FROM (
	SELECT
		s.ticket_id, s.cycle::integer AS cycle, t.category,
		min(s.at) FILTER (WHERE s.type IN ('ticket.opened', 'ticket.reopened')) AS started_at,
		min(s.at) FILTER (WHERE s.type = 'ticket.resolved') AS resolved_at,
		min(s.agent_id) FILTER (WHERE s.type = 'ticket.resolved') AS resolver_id,
		min(coalesce(s.resolution, 'solved')) FILTER (WHERE s.type = 'ticket.resolved') AS resolution,
		min(s.at) FILTER (WHERE s.type = 'ticket.closed') AS closed_at,
		min(s.agent_id) FILTER (WHERE s.type = 'ticket.closed') AS closer_id,
		min(s.at) FILTER (WHERE s.type = 'ticket.paused') AS paused_at,
		min(s.at) FILTER (WHERE s.type = 'ticket.resumed') AS resumed_at
	FROM step s
	JOIN ticket t USING (ticket_id)
	GROUP BY s.ticket_id, s.cycle, t.category
) c
JOIN target g ON c.category LIKE g.category;

CREATE TEMP TABLE received (received_us bigint, key text COLLATE "C", value jsonb);
\copy received FROM 'alerts.out' WITH (FORMAT csv, DELIMITER E'\t', QUOTE E'\b')

-- From here on one snapshot, and one now().
BEGIN ISOLATION LEVEL REPEATABLE READ;

CREATE TEMP TABLE clock AS
SELECT
	ticket_id, 'first_response' AS target, 1 AS n, opened_at AS started_at, opened_at + g.first_response AS due_at,
	first_response_at AS ended_at, responder_id AS done_by,
	CASE
		WHEN first_response_at <= opened_at + g.first_response THEN 'met'
		WHEN first_response_at IS NOT NULL OR opened_at + g.first_response < now() THEN 'breached'
		ELSE 'pending'
	END AS verdict
FROM ticket t
JOIN target g ON t.category LIKE g.category
UNION ALL
SELECT
	ticket_id, 'resolution', cycle, started_at, due_at, resolved_at, resolver_id,
	CASE
		WHEN due_at < coalesce(resolved_at, now()) THEN 'breached'
		WHEN resolved_at IS NULL THEN 'pending'
		WHEN resolution = 'duplicate' THEN 'none'
		ELSE 'met'
	END
FROM cycle;

CREATE TEMP TABLE owned_clock AS
SELECT c.*, (
	SELECT o.agent_id
	FROM owner o
	WHERE o.ticket_id = c.ticket_id AND o.at <= c.due_at
	ORDER BY o.at DESC
	LIMIT 1
) AS owner_then
FROM clock c;

CREATE TEMP TABLE measure AS
SELECT agent_id AS agent, 'opened' AS measure, 1::numeric AS amount FROM step WHERE type = 'ticket.opened'
UNION ALL
SELECT responder_id, 'responded', 1 FROM ticket WHERE first_response_at IS NOT NULL
UNION ALL
SELECT responder_id, 'first_response_seconds_sum', extract(epoch FROM first_response_at - opened_at)
FROM ticket WHERE first_response_at IS NOT NULL
UNION ALL
SELECT
	CASE WHEN verdict = 'met' THEN done_by ELSE owner_then END, target || m.suffix, 1
FROM owned_clock
JOIN (
	VALUES ('_measured', 'met'), ('_measured', 'breached'), ('_within_sla', 'met')
) AS m (suffix, verdict) USING (verdict)
UNION ALL
SELECT resolver_id, 'resolved', 1 FROM cycle WHERE resolution <> 'duplicate'
UNION ALL
SELECT resolver_id, 'resolution_seconds_sum', extract(epoch FROM resolved_at - started_at)
FROM cycle WHERE resolution <> 'duplicate'
UNION ALL
SELECT closer_id, 'closed', 1 FROM cycle WHERE closed_at IS NOT NULL
UNION ALL
SELECT b.resolver_id, 'reopened', 1
FROM cycle c JOIN cycle b ON b.ticket_id = c.ticket_id AND b.cycle = c.cycle - 1
UNION ALL
SELECT resolver_id, m.name, 1
FROM cycle c
JOIN ticket t USING (ticket_id)
CROSS JOIN (VALUES ('fcr_eligible'), ('fcr_resolved')) AS m (name)
WHERE c.cycle = 1 AND c.resolution = 'solved' AND (m.name = 'fcr_eligible' OR t.cycle = 1 AND NOT EXISTS (
	SELECT FROM owner o WHERE o.ticket_id = c.ticket_id AND o.from_agent IS NOT NULL
		AND o.at BETWEEN t.first_response_at AND c.resolved_at))
UNION ALL
SELECT from_agent, 'transferred_out', 1 FROM owner WHERE from_agent IS NOT NULL
UNION ALL
SELECT r.agent_id, m.name, m.amount
FROM step s
CROSS JOIN LATERAL (
	VALUES
		('csat', 'csat_responses', 1),
		('csat', 'csat_satisfied', (s.score / coalesce(s.scale_max, 5) >= 0.8)::integer),
		('csat', 'csat_score_sum', s.score / coalesce(s.scale_max, 5)),
		('nps', 'nps_responses', 1),
		('nps', 'nps_promoters', (s.score >= 9)::integer),
		('nps', 'nps_detractors', (s.score <= 6)::integer)
) AS m (kind, name, amount)
CROSS JOIN LATERAL (
	SELECT x.agent_id
	FROM step x
	WHERE x.ticket_id = s.ticket_id AND x.type = 'ticket.resolved' AND x.at <= s.at
	ORDER BY x.at DESC
	LIMIT 1
) r
WHERE s.type = 'survey.submitted' AND m.kind = s.kind;

CREATE TEMP TABLE shown AS
SELECT k.agent_id AS agent, m.key AS measure, m.value::numeric AS amount
FROM report.agent_kpi_5m k
-- Working time is left out: a plain query cannot compute pauses.
CROSS JOIN LATERAL jsonb_each_text(
	to_jsonb(k) - 'agent_id' - 'time' - 'first_response_working_seconds_sum' - 'resolution_working_seconds_sum') AS m;

\o check.out
SELECT *
FROM (
	SELECT 1 AS place, 'messages' AS what, (SELECT count(*) FROM sent) AS desk,
		(SELECT sum(n_messages) FROM report.data_freshness) AS kpid, NULL::bigint AS differ
	UNION ALL
	SELECT 2, '  sent a second time', (SELECT count(*) FROM sent WHERE fate = 'duplicate'),
		(SELECT sum(n_duplicates) FROM report.data_freshness), NULL
	UNION ALL
	SELECT 3, '  empty, or of no known type', (SELECT count(*) FROM sent WHERE fate IN ('tombstone', 'unknown_type')),
		(SELECT sum(n_tombstones) + sum(n_unknown_type) FROM report.data_freshness), NULL
	UNION ALL
	SELECT 4, '  poisonous, by reason', (SELECT count(*) FROM sent WHERE fate = 'dead'),
		(SELECT count(*) FROM report.dead_letter), (
			SELECT count(*)
			FROM (SELECT reason, count(*) FROM sent WHERE fate = 'dead' GROUP BY reason) s
			FULL JOIN (SELECT reason, count(*) FROM report.dead_letter GROUP BY reason) d USING (reason)
			WHERE s.count IS DISTINCT FROM d.count)
	UNION ALL
	SELECT 5, 'tickets, field by field', (SELECT count(*) FROM ticket), (SELECT count(*) FROM report.ticket), (
		SELECT count(*)
		FROM (SELECT t.*, c.due_at, c.verdict FROM ticket t
			LEFT JOIN clock c ON c.ticket_id = t.ticket_id AND c.target = 'first_response') e
		FULL JOIN report.ticket t USING (ticket_id)
		WHERE (e.opened_at, e.category, e.first_response_at, e.responder_id, e.agent_id, e.cycle, e.state,
				e.transfer_count, e.due_at, e.verdict)
			IS DISTINCT FROM (t.opened_at, t.category, t.first_response_at, t.responder_id, t.agent_id, t.cycle,
				t.state, t.transfer_count, t.first_response_due_at, t.first_response_verdict))
	UNION ALL
	SELECT 6, 'cycles, field by field', (SELECT count(*) FROM cycle), (SELECT count(*) FROM report.ticket_cycle), (
		SELECT count(*)
		FROM (SELECT c.*, k.verdict FROM cycle c
			JOIN clock k ON k.ticket_id = c.ticket_id AND k.target = 'resolution' AND k.n = c.cycle) e
		FULL JOIN report.ticket_cycle c USING (ticket_id, cycle)
		WHERE (e.started_at, e.resolved_at, e.resolver_id, e.resolution, e.closed_at, e.closer_id, e.due_at, e.verdict)
			IS DISTINCT FROM (c.started_at, c.resolved_at, c.resolver_id, c.resolution, c.closed_at, c.closer_id,
				c.due_at, c.verdict))
	UNION ALL
	SELECT 7, 'agent KPIs, sum by sum', count(*) FILTER (WHERE e.amount <> 0), count(*) FILTER (WHERE s.amount <> 0),
		count(*) FILTER (WHERE coalesce(e.amount, 0) <> coalesce(s.amount, 0))
	FROM (SELECT coalesce(agent, '') AS agent, measure, sum(amount) AS amount FROM measure GROUP BY 1, 2) e
	FULL JOIN (SELECT agent, measure, sum(amount) AS amount FROM shown GROUP BY 1, 2) s USING (agent, measure)
	UNION ALL
	SELECT 8, 'breaches, alert by alert', (SELECT count(*) FROM clock WHERE verdict = 'breached'),
		(SELECT count(*) FROM report.alert WHERE state <> 'voided'), (
			SELECT count(*)
			FROM (SELECT * FROM owned_clock WHERE verdict = 'breached') e
			FULL JOIN (SELECT * FROM report.alert WHERE state <> 'voided') a USING (ticket_id, target, n)
			WHERE (e.due_at, e.owner_then, CASE WHEN e.ended_at IS NULL THEN 'breached' ELSE 'resolved' END)
				IS DISTINCT FROM (a.breached_at, a.owner_at_breach, a.state))
	UNION ALL
	SELECT 9, 'alerts whose last message agrees', (SELECT count(DISTINCT key) FROM received),
		(SELECT count(*) FROM report.alert), (
			SELECT count(*)
			FROM (
				SELECT DISTINCT ON (key) key, value #>> '{data,state}' AS state
				FROM received
				ORDER BY key, (value #>> '{data,revision}')::integer DESC
			) m
			FULL JOIN report.alert a ON m.key = a.ticket_id || '/' || a.target || '/' || a.n
			WHERE m.state IS DISTINCT FROM a.state)
) AS lines
ORDER BY place;
COMMIT;
