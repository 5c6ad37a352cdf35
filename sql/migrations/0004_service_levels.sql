-- Calendars, warnings, escalations, and working time beside elapsed time.

-- Working time -------------------------------------------------------------------------------------------------------

ALTER TABLE kpid.ticket
	ADD COLUMN first_response_working_us bigint,
	ADD COLUMN resolution_working_us bigint;
COMMENT ON COLUMN kpid.ticket.resolution_working_us IS 'Of the current cycle, where its resolution counts (RULES K).';

ALTER TABLE kpid.past_cycle ADD COLUMN resolution_working_us bigint;

ALTER TABLE kpid.agent_kpi_5m
	ADD COLUMN first_response_working_us_sum bigint NOT NULL DEFAULT 0,
	ADD COLUMN resolution_working_us_sum bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE VIEW report.ticket AS
SELECT
	t.ticket_id,
	t.project_id,
	t.channel,
	t.category,
	t.priority,
	t.team_id,
	t.requester_ref,
	t.agent_id,
	t.first_owner_id,
	t.responder_id,
	t.arrived_by_id,
	t.resolver_id,
	t.closer_id,
	t.opened_at,
	t.first_response_at,
	t.arrived_at,
	t.resolved_at,
	t.closed_at,
	CASE t.state
		WHEN 0 THEN 'unknown' WHEN 1 THEN 'open' WHEN 2 THEN 'paused' WHEN 3 THEN 'resolved' WHEN 4 THEN 'closed'
	END AS state,
	CASE t.resolution
		WHEN 1 THEN 'solved' WHEN 2 THEN 'unsolved' WHEN 3 THEN 'cancelled' WHEN 4 THEN 'duplicate'
	END AS resolution,
	t.cycle,
	t.reopen_count,
	t.transfer_count,
	t.first_response_due_at,
	CASE t.first_response_verdict
		WHEN 0 THEN 'none' WHEN 1 THEN 'pending' WHEN 2 THEN 'met' WHEN 3 THEN 'breached'
	END AS first_response_verdict,
	t.resolution_due_at,
	CASE t.resolution_verdict
		WHEN 0 THEN 'none' WHEN 1 THEN 'pending' WHEN 2 THEN 'met' WHEN 3 THEN 'breached'
	END AS resolution_verdict,
	t.csat_score_micros * 0.000001 AS csat_score,
	t.csat_scale_micros * 0.000001 AS csat_scale_max,
	t.policy,
	r.id AS policy_version,
	t.revised_at,
	t.first_response_working_us * 0.000001 AS first_response_working_seconds,
	t.resolution_working_us * 0.000001 AS resolution_working_seconds
FROM kpid.ticket t
LEFT JOIN kpid.policy_revision r ON r.revision_no = t.revision_no;

COMMENT ON COLUMN report.ticket.first_response_working_seconds IS 'Seconds that the clock of the first response ran, its calendar and listed pauses taken out; NULL: no response.';
COMMENT ON COLUMN report.ticket.resolution_working_seconds IS 'Seconds that the clock of the current cycle''s resolution ran, its calendar and listed pauses taken out; NULL: not resolved as solved or unsolved.';

CREATE OR REPLACE VIEW report.ticket_cycle AS
SELECT
	c.ticket_id,
	c.cycle,
	c.started_at,
	c.resolved_at,
	c.closed_at,
	c.resolver_id,
	c.closer_id,
	CASE c.resolution
		WHEN 1 THEN 'solved' WHEN 2 THEN 'unsolved' WHEN 3 THEN 'cancelled' WHEN 4 THEN 'duplicate'
	END AS resolution,
	c.due_at,
	CASE c.verdict
		WHEN 0 THEN 'none' WHEN 1 THEN 'pending' WHEN 2 THEN 'met' WHEN 3 THEN 'breached'
	END AS verdict,
	c.working_us * 0.000001 AS resolution_working_seconds
FROM (
	SELECT
		p.ticket_id, p.cycle, p.started_at, p.resolved_at, p.closed_at, p.resolver_id, p.closer_id, p.resolution,
		p.due_at, p.verdict, p.resolution_working_us AS working_us
	FROM kpid.past_cycle p
	UNION ALL
	SELECT
		t.ticket_id, t.cycle, t.cycle_started_at, t.resolved_at, t.closed_at, t.resolver_id, t.closer_id,
		t.resolution, t.cycle_due_at, t.cycle_verdict, t.resolution_working_us
	FROM kpid.ticket t
	WHERE t.cycle > 0
) c;

COMMENT ON COLUMN report.ticket_cycle.resolution_working_seconds IS 'Seconds that this cycle''s clock ran until it was resolved, its calendar and listed pauses taken out; NULL: not resolved as solved or unsolved.';

CREATE OR REPLACE VIEW report.agent_kpi_5m AS
SELECT
	b."time",
	b.agent_id,
	b.opened,
	b.responded,
	b.first_response_measured,
	b.first_response_within_sla,
	b.first_response_us_sum * 0.000001 AS first_response_seconds_sum,
	b.resolved,
	b.resolution_measured,
	b.resolution_within_sla,
	b.resolution_us_sum * 0.000001 AS resolution_seconds_sum,
	b.arrival_measured,
	b.arrival_within_sla,
	b.next_response_measured,
	b.next_response_within_sla,
	b.closed,
	b.reopened,
	b.fcr_eligible,
	b.fcr_resolved,
	b.transferred_out,
	b.csat_responses,
	b.csat_satisfied,
	b.csat_score_micros_sum * 0.000001 AS csat_score_sum,
	b.nps_responses,
	b.nps_promoters,
	b.nps_detractors,
	b.ces_responses,
	b.ces_score_micros_sum * 0.000001 AS ces_score_sum,
	b.first_response_working_us_sum * 0.000001 AS first_response_working_seconds_sum,
	b.resolution_working_us_sum * 0.000001 AS resolution_working_seconds_sum
FROM kpid.agent_kpi_5m b;

CREATE OR REPLACE VIEW report.agent_kpi_hourly AS
SELECT
	h.starts AS "time",
	k.agent_id,
	k.opened,
	k.responded,
	k.first_response_measured,
	k.first_response_within_sla,
	k.first_response_seconds_sum,
	k.resolved,
	k.resolution_measured,
	k.resolution_within_sla,
	k.resolution_seconds_sum,
	k.arrival_measured,
	k.arrival_within_sla,
	k.next_response_measured,
	k.next_response_within_sla,
	k.closed,
	k.reopened,
	k.fcr_eligible,
	k.fcr_resolved,
	k.transferred_out,
	k.csat_responses,
	k.csat_satisfied,
	k.csat_score_sum,
	k.nps_responses,
	k.nps_promoters,
	k.nps_detractors,
	k.ces_responses,
	k.ces_score_sum,
	k.first_response_working_seconds_sum,
	k.resolution_working_seconds_sum
FROM (
	SELECT date_trunc('hour', min(b."time"), 'UTC') AS first, max(b."time") AS last
	FROM kpid.agent_kpi_5m b
) span
CROSS JOIN LATERAL generate_series(span.first, span.last, interval '1 hour') AS h (starts)
CROSS JOIN LATERAL (
	SELECT
		b.agent_id,
		sum(b.opened) AS opened,
		sum(b.responded) AS responded,
		sum(b.first_response_measured) AS first_response_measured,
		sum(b.first_response_within_sla) AS first_response_within_sla,
		sum(b.first_response_us_sum) * 0.000001 AS first_response_seconds_sum,
		sum(b.resolved) AS resolved,
		sum(b.resolution_measured) AS resolution_measured,
		sum(b.resolution_within_sla) AS resolution_within_sla,
		sum(b.resolution_us_sum) * 0.000001 AS resolution_seconds_sum,
		sum(b.arrival_measured) AS arrival_measured,
		sum(b.arrival_within_sla) AS arrival_within_sla,
		sum(b.next_response_measured) AS next_response_measured,
		sum(b.next_response_within_sla) AS next_response_within_sla,
		sum(b.closed) AS closed,
		sum(b.reopened) AS reopened,
		sum(b.fcr_eligible) AS fcr_eligible,
		sum(b.fcr_resolved) AS fcr_resolved,
		sum(b.transferred_out) AS transferred_out,
		sum(b.csat_responses) AS csat_responses,
		sum(b.csat_satisfied) AS csat_satisfied,
		sum(b.csat_score_micros_sum) * 0.000001 AS csat_score_sum,
		sum(b.nps_responses) AS nps_responses,
		sum(b.nps_promoters) AS nps_promoters,
		sum(b.nps_detractors) AS nps_detractors,
		sum(b.ces_responses) AS ces_responses,
		sum(b.ces_score_micros_sum) * 0.000001 AS ces_score_sum,
		sum(b.first_response_working_us_sum) * 0.000001 AS first_response_working_seconds_sum,
		sum(b.resolution_working_us_sum) * 0.000001 AS resolution_working_seconds_sum
	FROM kpid.agent_kpi_5m b
	WHERE b."time" >= h.starts AND b."time" < h.starts + interval '1 hour'
	GROUP BY b.agent_id
) k;

CREATE OR REPLACE VIEW report.agent_kpi_daily AS
SELECT
	d.starts AS "time",
	k.agent_id,
	k.opened,
	k.responded,
	k.first_response_measured,
	k.first_response_within_sla,
	k.first_response_seconds_sum,
	k.resolved,
	k.resolution_measured,
	k.resolution_within_sla,
	k.resolution_seconds_sum,
	k.arrival_measured,
	k.arrival_within_sla,
	k.next_response_measured,
	k.next_response_within_sla,
	k.closed,
	k.reopened,
	k.fcr_eligible,
	k.fcr_resolved,
	k.transferred_out,
	k.csat_responses,
	k.csat_satisfied,
	k.csat_score_sum,
	k.nps_responses,
	k.nps_promoters,
	k.nps_detractors,
	k.ces_responses,
	k.ces_score_sum,
	k.first_response_working_seconds_sum,
	k.resolution_working_seconds_sum
FROM (
	SELECT coalesce((SELECT s.value FROM kpid.setting s WHERE s.name = 'report.time_zone'), 'UTC') AS zone
) z
CROSS JOIN (
	SELECT min(b."time") AS first, max(b."time") AS last
	FROM kpid.agent_kpi_5m b
) span
CROSS JOIN LATERAL generate_series(
	date_trunc('day', span.first AT TIME ZONE z.zone),
	(span.last AT TIME ZONE z.zone) + interval '1 hour',
	interval '1 day'
) AS local (midnight)
CROSS JOIN LATERAL (
	SELECT
		local.midnight AT TIME ZONE z.zone AS this,
		(local.midnight + interval '1 day') AT TIME ZONE z.zone AS next
) m
CROSS JOIN LATERAL (
	SELECT
		CASE
			WHEN (m.this - interval '1 hour') AT TIME ZONE z.zone >= local.midnight
			THEN m.this - interval '1 hour'
			ELSE m.this
		END AS starts,
		CASE
			WHEN (m.next - interval '1 hour') AT TIME ZONE z.zone >= local.midnight + interval '1 day'
			THEN m.next - interval '1 hour'
			ELSE m.next
		END AS ends
) d
CROSS JOIN LATERAL (
	SELECT
		b.agent_id,
		sum(b.opened) AS opened,
		sum(b.responded) AS responded,
		sum(b.first_response_measured) AS first_response_measured,
		sum(b.first_response_within_sla) AS first_response_within_sla,
		sum(b.first_response_us_sum) * 0.000001 AS first_response_seconds_sum,
		sum(b.resolved) AS resolved,
		sum(b.resolution_measured) AS resolution_measured,
		sum(b.resolution_within_sla) AS resolution_within_sla,
		sum(b.resolution_us_sum) * 0.000001 AS resolution_seconds_sum,
		sum(b.arrival_measured) AS arrival_measured,
		sum(b.arrival_within_sla) AS arrival_within_sla,
		sum(b.next_response_measured) AS next_response_measured,
		sum(b.next_response_within_sla) AS next_response_within_sla,
		sum(b.closed) AS closed,
		sum(b.reopened) AS reopened,
		sum(b.fcr_eligible) AS fcr_eligible,
		sum(b.fcr_resolved) AS fcr_resolved,
		sum(b.transferred_out) AS transferred_out,
		sum(b.csat_responses) AS csat_responses,
		sum(b.csat_satisfied) AS csat_satisfied,
		sum(b.csat_score_micros_sum) * 0.000001 AS csat_score_sum,
		sum(b.nps_responses) AS nps_responses,
		sum(b.nps_promoters) AS nps_promoters,
		sum(b.nps_detractors) AS nps_detractors,
		sum(b.ces_responses) AS ces_responses,
		sum(b.ces_score_micros_sum) * 0.000001 AS ces_score_sum,
		sum(b.first_response_working_us_sum) * 0.000001 AS first_response_working_seconds_sum,
		sum(b.resolution_working_us_sum) * 0.000001 AS resolution_working_seconds_sum
	FROM kpid.agent_kpi_5m b
	WHERE b."time" >= d.starts AND b."time" < d.ends
	GROUP BY b.agent_id
) k;

CREATE OR REPLACE VIEW report.agent_kpi_rolling AS
SELECT
	k.agent_id,
	w."window",
	statement_timestamp() AS as_of,
	k.backlog,
	k.opened,
	k.responded,
	k.first_response_measured,
	k.first_response_within_sla,
	k.first_response_seconds_sum,
	k.resolved,
	k.resolution_measured,
	k.resolution_within_sla,
	k.resolution_seconds_sum,
	k.arrival_measured,
	k.arrival_within_sla,
	k.next_response_measured,
	k.next_response_within_sla,
	k.closed,
	k.reopened,
	k.fcr_eligible,
	k.fcr_resolved,
	k.transferred_out,
	k.csat_responses,
	k.csat_satisfied,
	k.csat_score_sum,
	k.nps_responses,
	k.nps_promoters,
	k.nps_detractors,
	k.ces_responses,
	k.ces_score_sum,
	k.first_response_working_seconds_sum,
	k.resolution_working_seconds_sum
FROM (
	VALUES
		('15m', interval '15 minutes'),
		('1h', interval '1 hour'),
		('4h', interval '4 hours'),
		('24h', interval '24 hours'),
		('7d', interval '168 hours'),
		('30d', interval '720 hours')
) AS w ("window", length)
CROSS JOIN LATERAL (
	SELECT
		u.agent_id,
		sum(u.backlog)::bigint AS backlog,
		sum(u.opened) AS opened,
		sum(u.responded) AS responded,
		sum(u.first_response_measured) AS first_response_measured,
		sum(u.first_response_within_sla) AS first_response_within_sla,
		sum(u.first_response_us_sum) * 0.000001 AS first_response_seconds_sum,
		sum(u.resolved) AS resolved,
		sum(u.resolution_measured) AS resolution_measured,
		sum(u.resolution_within_sla) AS resolution_within_sla,
		sum(u.resolution_us_sum) * 0.000001 AS resolution_seconds_sum,
		sum(u.arrival_measured) AS arrival_measured,
		sum(u.arrival_within_sla) AS arrival_within_sla,
		sum(u.next_response_measured) AS next_response_measured,
		sum(u.next_response_within_sla) AS next_response_within_sla,
		sum(u.closed) AS closed,
		sum(u.reopened) AS reopened,
		sum(u.fcr_eligible) AS fcr_eligible,
		sum(u.fcr_resolved) AS fcr_resolved,
		sum(u.transferred_out) AS transferred_out,
		sum(u.csat_responses) AS csat_responses,
		sum(u.csat_satisfied) AS csat_satisfied,
		sum(u.csat_score_micros_sum) * 0.000001 AS csat_score_sum,
		sum(u.nps_responses) AS nps_responses,
		sum(u.nps_promoters) AS nps_promoters,
		sum(u.nps_detractors) AS nps_detractors,
		sum(u.ces_responses) AS ces_responses,
		sum(u.ces_score_micros_sum) * 0.000001 AS ces_score_sum,
		sum(u.first_response_working_us_sum) * 0.000001 AS first_response_working_seconds_sum,
		sum(u.resolution_working_us_sum) * 0.000001 AS resolution_working_seconds_sum
	FROM (
		SELECT
			b.agent_id,
			0::bigint AS backlog,
			b.opened,
			b.responded,
			b.first_response_measured,
			b.first_response_within_sla,
			b.first_response_us_sum,
			b.resolved,
			b.resolution_measured,
			b.resolution_within_sla,
			b.resolution_us_sum,
			b.arrival_measured,
			b.arrival_within_sla,
			b.next_response_measured,
			b.next_response_within_sla,
			b.closed,
			b.reopened,
			b.fcr_eligible,
			b.fcr_resolved,
			b.transferred_out,
			b.csat_responses,
			b.csat_satisfied,
			b.csat_score_micros_sum,
			b.nps_responses,
			b.nps_promoters,
			b.nps_detractors,
			b.ces_responses,
			b.ces_score_micros_sum,
			b.first_response_working_us_sum,
			b.resolution_working_us_sum
		FROM kpid.agent_kpi_5m b
		WHERE b."time" > date_bin('5 minutes', statement_timestamp(), '2000-01-01 00:00:00+00') - w.length
			AND b."time" <= date_bin('5 minutes', statement_timestamp(), '2000-01-01 00:00:00+00')
		UNION ALL
		SELECT
			a.agent_id,
			a.backlog,
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
		FROM kpid.agent_backlog a
		WHERE a.backlog <> 0
	) u
	GROUP BY u.agent_id
) k;

DO $comments$
DECLARE
	v text;
BEGIN
	FOREACH v IN ARRAY ARRAY['agent_kpi_5m', 'agent_kpi_hourly', 'agent_kpi_daily', 'agent_kpi_rolling'] LOOP
		EXECUTE format('COMMENT ON COLUMN report.%I.first_response_working_seconds_sum IS %L', v,
			'As first_response_seconds_sum, with the clock''s calendar and listed pauses taken out.');
		EXECUTE format('COMMENT ON COLUMN report.%I.resolution_working_seconds_sum IS %L', v,
			'As resolution_seconds_sum, with the clock''s calendar and listed pauses taken out.');
	END LOOP;
END
$comments$;

-- Calendars ----------------------------------------------------------------------------------------------------------

CREATE TABLE kpid.calendar_span (
	revision_no integer NOT NULL,
	calendar text COLLATE "C" NOT NULL,
	start_at timestamptz NOT NULL,
	end_at timestamptz NOT NULL,
	before_us bigint NOT NULL,
	PRIMARY KEY (revision_no, calendar, start_at)
);
COMMENT ON TABLE kpid.calendar_span IS 'The hours of each calendar of a stored revision as intervals of UTC, some way ahead of now: for views, which must know how much of a time is worked. The daemon reckons for itself.';
COMMENT ON COLUMN kpid.calendar_span.before_us IS 'Microseconds worked in the intervals before this one.';
GRANT SELECT, INSERT, UPDATE ON kpid.calendar_span TO kpid_writer;

ALTER TABLE kpid.sla_clock ADD COLUMN calendar text COLLATE "C";
COMMENT ON COLUMN kpid.sla_clock.calendar IS 'Of the ticket''s revision: seconds left run in its hours; NULL: always.';
COMMENT ON COLUMN kpid.sla_clock.fires_at IS 'The next instant at which time alone makes something due: a warning, the breach, an escalation. NULL: none.';
COMMENT ON COLUMN kpid.sla_clock.stopped IS 'It does not run, or is not judged any more: only something of it is still to fall due.';
COMMENT ON TABLE kpid.sla_clock IS 'The SLA clocks that run, and those that have ended but of which something is still to fall due once the sources are complete. The index on fires_at is the queue of deadlines.';

CREATE OR REPLACE VIEW report.sla_live AS
SELECT
	c.ticket_id,
	CASE c.target
		WHEN 0 THEN 'first_response' WHEN 1 THEN 'next_response' WHEN 2 THEN 'arrival' WHEN 3 THEN 'resolution'
	END AS target,
	c.n,
	c.cycle,
	CASE
		WHEN c.breached THEN 'breached'
		WHEN c.paused THEN 'paused'
		WHEN c.at_risk_at <= statement_timestamp() THEN 'at_risk'
		ELSE 'pending'
	END AS state,
	c.started_at,
	c.due_at,
	CASE
		WHEN c.paused THEN c.left_us * 0.000001
		WHEN c.calendar IS NOT NULL THEN (at_zero.worked_us - at_now.worked_us) * 0.000001
		ELSE extract(epoch FROM c.zero_at) - extract(epoch FROM statement_timestamp())
	END AS seconds_left,
	t.agent_id,
	t.team_id,
	t.project_id,
	t.category,
	t.priority,
	t.policy
FROM kpid.sla_clock c
LEFT JOIN kpid.ticket t ON t.ticket_id = c.ticket_id
LEFT JOIN LATERAL (
	SELECT s.before_us + (extract(epoch FROM least(s.end_at, c.zero_at) - s.start_at) * 1000000)::bigint AS worked_us
	FROM kpid.calendar_span s
	WHERE s.revision_no = t.revision_no AND s.calendar = c.calendar AND s.start_at <= c.zero_at
	ORDER BY s.start_at DESC
	LIMIT 1
) at_zero ON true
LEFT JOIN LATERAL (
	SELECT
		s.before_us
		+ (extract(epoch FROM least(s.end_at, statement_timestamp()) - s.start_at) * 1000000)::bigint AS worked_us
	FROM kpid.calendar_span s
	WHERE s.revision_no = t.revision_no AND s.calendar = c.calendar AND s.start_at <= statement_timestamp()
	ORDER BY s.start_at DESC
	LIMIT 1
) at_now ON true
WHERE NOT c.stopped;
COMMENT ON COLUMN report.sla_live.state IS 'breached, else paused, else at_risk (a warning was due, or, where none was asked for, past 80 % of its time), else pending.';
COMMENT ON COLUMN report.sla_live.seconds_left IS 'Seconds until it is due, as the clock runs: in the hours of its calendar, and not in a pause; negative: past due.';

-- Warnings and escalations -------------------------------------------------------------------------------------------

ALTER TABLE kpid.alert
	ALTER COLUMN due_at DROP NOT NULL,
	ALTER COLUMN breached_at DROP NOT NULL,
	ALTER COLUMN cause DROP NOT NULL,
	DROP CONSTRAINT alert_delivery_check,
	ADD CONSTRAINT alert_delivery_check CHECK (delivery IN ('queued', 'shadow', 'too_old', 'closed', 'over', 'off')),
	ADD COLUMN warned_at timestamptz,
	ADD COLUMN n_warnings integer NOT NULL DEFAULT 0;
COMMENT ON TABLE kpid.alert IS 'One row per clock that was breached or warned about (RULES A). A row is never deleted; a breach that late events undo is voided, a warning that they undo is averted.';

CREATE OR REPLACE FUNCTION kpid.alert_message(a kpid.alert) RETURNS text
LANGUAGE sql STABLE
RETURN json_build_object(
		'specversion', '1.0',
		'source', '/kpid',
		'type', 'kpid.alert.' || a.state,
		'subject', a.ticket_id || '/' || a.target || '/' || a.n,
		'id', a.alert_id || '/' || a.revision,
		'time', kpid.rfc3339(clock_timestamp()),
		'datacontenttype', 'application/json',
		'data', json_build_object(
			'alert_id', a.alert_id, 'revision', a.revision, 'ticket_id', a.ticket_id, 'target', a.target, 'n', a.n,
			'state', a.state, 'level', a.level, 'warnings', a.n_warnings, 'warned_at', kpid.rfc3339(a.warned_at),
			'due_at', kpid.rfc3339(a.due_at),
			'breached_at', kpid.rfc3339(a.breached_at), 'detected_at', kpid.rfc3339(a.detected_at),
			'resolved_at', kpid.rfc3339(a.resolved_at), 'cause', a.cause, 'owner_at_breach', a.owner_at_breach,
			'project_id', a.project_id, 'policy', a.policy, 'policy_version', a.policy_version,
			'unconfirmed', a.unconfirmed))::text;

CREATE OR REPLACE VIEW report.alert AS
SELECT
	a.alert_id,
	a.ticket_id,
	a.target,
	a.n,
	a.state,
	a.level,
	a.due_at,
	a.breached_at,
	a.cause,
	a.owner_at_breach,
	a.project_id,
	a.policy,
	a.policy_version,
	a.detected_at,
	a.resolved_at,
	a.unconfirmed,
	CASE
		WHEN a.delivery = 'queued' AND NOT EXISTS (SELECT FROM kpid.outbox o WHERE o.alert_id = a.alert_id) THEN 'sent'
		ELSE a.delivery
	END AS delivery,
	a.revision,
	p.topic AS evidence_topic,
	p.partition AS evidence_partition,
	a.evidence_offset,
	a.warned_at,
	a.n_warnings AS warnings
FROM kpid.alert a
LEFT JOIN kpid.source_partition p ON p.source_no = a.evidence_source_no;
COMMENT ON VIEW report.alert IS 'One row per SLA clock that was breached or warned about. Rows are never deleted; a breach that late events undo is voided, a warning that they undo is averted.';
COMMENT ON COLUMN report.alert.state IS 'warning; averted (the clock stopped in time, or is not judged any more); breached; acknowledged; resolved (the clock stopped after the breach); or voided.';
COMMENT ON COLUMN report.alert.level IS 'How many escalations are due; 0: none yet, or a warning.';
COMMENT ON COLUMN report.alert.due_at IS 'When the clock is due; NULL: it stands in a pause, or has no target any more.';
COMMENT ON COLUMN report.alert.breached_at IS 'When it was breached, by event time; NULL: it was only warned about.';
COMMENT ON COLUMN report.alert.cause IS 'deadline, or policy_change: a change of attributes moved the due time into the past. NULL: no breach.';
COMMENT ON COLUMN report.alert.owner_at_breach IS 'Who owned the ticket at the breach, else at the first warning; NULL: nobody.';
COMMENT ON COLUMN report.alert.project_id IS 'Project at the breach, else at the first warning; NULL: not set.';
COMMENT ON COLUMN report.alert.policy IS 'Policy that judged the breach, of a warning the one in force; NULL: none.';
COMMENT ON COLUMN report.alert.detected_at IS 'When kpid saw the breach, or the first warning, by its clock.';
COMMENT ON COLUMN report.alert.delivery IS 'queued, sent, shadow (a project that is only watched), too_old (it was found later than alert.max_age after it), closed (the ticket was closed already when it was found), over (a warning that was over already when it was found) or off (no topic is set). Only the first two are ever sent.';
COMMENT ON COLUMN report.alert.warned_at IS 'When the first warning was due; NULL: none was.';
COMMENT ON COLUMN report.alert.warnings IS 'How many warnings are due.';
