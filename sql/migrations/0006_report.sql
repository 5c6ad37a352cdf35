-- The public interface: the schema report. Names and meanings are stable; see report.version.
--
-- Everything is a view with its owner's rights, so readers need no rights on the private tables. Times are timestamptz,
-- seconds and scores are exact numerics, enumerations are text. There are sums and counts but no rates: a rate that is
-- computed last is right for any grouping.
--
-- Live values are as of statement_timestamp(). Unlike now() it advances with every statement of a transaction; unlike
-- clock_timestamp() it is constant within a statement, so indexes can be used. Intervals that are subtracted from a
-- timestamptz are in hours, because the length of a day depends on the time zone of the session.

CREATE VIEW report.ticket AS
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
COMMENT ON VIEW report.ticket IS 'One row per ticket: its state now, in its current cycle. An agent column is NULL for nobody.';
COMMENT ON COLUMN report.ticket.ticket_id IS 'ID of the ticket, as in its events.';
COMMENT ON COLUMN report.ticket.project_id IS 'Project, site or building; NULL: not set.';
COMMENT ON COLUMN report.ticket.channel IS 'Channel it was opened on, such as phone, app or desk; NULL: not set.';
COMMENT ON COLUMN report.ticket.category IS 'Category of the request; NULL: not set.';
COMMENT ON COLUMN report.ticket.priority IS 'Priority, as the producer names it; NULL: not set.';
COMMENT ON COLUMN report.ticket.team_id IS 'Team now; NULL: none.';
COMMENT ON COLUMN report.ticket.requester_ref IS 'Opaque reference to the requester; NULL: not set.';
COMMENT ON COLUMN report.ticket.agent_id IS 'Owner now; NULL: nobody.';
COMMENT ON COLUMN report.ticket.first_owner_id IS 'The first agent who owned it; NULL: nobody yet.';
COMMENT ON COLUMN report.ticket.responder_id IS 'Who gave the first response; NULL: nobody, or unknown.';
COMMENT ON COLUMN report.ticket.arrived_by_id IS 'Who first arrived on site; NULL: nobody.';
COMMENT ON COLUMN report.ticket.resolver_id IS 'Who resolved the current cycle; NULL: not resolved, or nobody.';
COMMENT ON COLUMN report.ticket.closer_id IS 'Who closed the current cycle; NULL: not closed, or nobody.';
COMMENT ON COLUMN report.ticket.opened_at IS 'When it was opened; NULL: its opening event is missing so far (state unknown).';
COMMENT ON COLUMN report.ticket.first_response_at IS 'First response of a human in the ticket''s life; NULL: none, or unknown.';
COMMENT ON COLUMN report.ticket.arrived_at IS 'First arrival on site in the ticket''s life; NULL: none.';
COMMENT ON COLUMN report.ticket.resolved_at IS 'When the current cycle was resolved; NULL: not yet, or reopened since.';
COMMENT ON COLUMN report.ticket.closed_at IS 'When the current cycle was closed; NULL: not yet, or reopened since.';
COMMENT ON COLUMN report.ticket.state IS 'unknown (no opening event yet), open, paused, resolved or closed.';
COMMENT ON COLUMN report.ticket.resolution IS 'Resolution of the current cycle: solved, unsolved, cancelled or duplicate; NULL: not resolved.';
COMMENT ON COLUMN report.ticket.cycle IS '1 after the opening, plus 1 for each reopening; 0 while the state is unknown.';
COMMENT ON COLUMN report.ticket.reopen_count IS 'Number of reopenings.';
COMMENT ON COLUMN report.ticket.transfer_count IS 'Number of transfers from one agent to another while open or paused.';
COMMENT ON COLUMN report.ticket.first_response_due_at IS 'Due time of the latest first-response clock; NULL: no target, or paused.';
COMMENT ON COLUMN report.ticket.first_response_verdict IS 'Verdict of the latest first-response clock: none, pending, met or breached.';
COMMENT ON COLUMN report.ticket.resolution_due_at IS 'Due time of the latest resolution clock; NULL: no target, or paused.';
COMMENT ON COLUMN report.ticket.resolution_verdict IS 'Verdict of the latest resolution clock: none, pending, met or breached.';
COMMENT ON COLUMN report.ticket.csat_score IS 'Score of the latest satisfaction survey that counts; NULL: none.';
COMMENT ON COLUMN report.ticket.csat_scale_max IS 'Highest possible score of that survey; NULL: no survey.';
COMMENT ON COLUMN report.ticket.policy IS 'Policy that its attributes match now; NULL: none.';
COMMENT ON COLUMN report.ticket.policy_version IS 'Policy revision that judges the ticket for its whole life; NULL: none.';
COMMENT ON COLUMN report.ticket.revised_at IS 'When kpid last changed this row.';
COMMENT ON COLUMN report.ticket.first_response_working_seconds IS 'Seconds that the first-response clock ran, without the hours outside its calendar and the pauses that stop it; NULL: no response.';
COMMENT ON COLUMN report.ticket.resolution_working_seconds IS 'Seconds that the resolution clock of the current cycle ran, without the hours outside its calendar and the pauses that stop it; NULL: not resolved as solved or unsolved.';

CREATE VIEW report.ticket_cycle AS
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
COMMENT ON VIEW report.ticket_cycle IS 'One row per ticket and cycle: from the opening or a reopening to the next reopening. An agent column is NULL for nobody.';
COMMENT ON COLUMN report.ticket_cycle.ticket_id IS 'ID of the ticket, as in its events.';
COMMENT ON COLUMN report.ticket_cycle.cycle IS '1 for the opening, plus 1 for each reopening.';
COMMENT ON COLUMN report.ticket_cycle.started_at IS 'Time of the opening or the reopening.';
COMMENT ON COLUMN report.ticket_cycle.resolved_at IS 'When this cycle was resolved; NULL: not yet.';
COMMENT ON COLUMN report.ticket_cycle.closed_at IS 'When this cycle was closed; NULL: not yet, or reopened before that.';
COMMENT ON COLUMN report.ticket_cycle.resolver_id IS 'Who resolved it; NULL: not resolved, or nobody.';
COMMENT ON COLUMN report.ticket_cycle.closer_id IS 'Who closed it; NULL: not closed, or nobody.';
COMMENT ON COLUMN report.ticket_cycle.resolution IS 'solved, unsolved, cancelled or duplicate; NULL: not resolved.';
COMMENT ON COLUMN report.ticket_cycle.due_at IS 'Due time of this cycle''s resolution clock; NULL: no target, or paused.';
COMMENT ON COLUMN report.ticket_cycle.verdict IS 'Verdict of this cycle''s resolution clock: none, pending, met or breached.';
COMMENT ON COLUMN report.ticket_cycle.resolution_working_seconds IS 'Seconds that this cycle''s clock ran until the resolution, without the hours outside its calendar and the pauses that stop it; NULL: not resolved as solved or unsolved.';

CREATE VIEW report.agent_kpi_5m AS
SELECT
	b."time",
	b.agent_id,
	{{measures 28: b.{column}{scale} AS {public}}}
FROM kpid.agent_kpi_5m b;
COMMENT ON VIEW report.agent_kpi_5m IS 'Sums per agent and 5 minutes of UTC. Buckets with only zeros may be missing. Filter by time to make queries fast.';
COMMENT ON COLUMN report.agent_kpi_5m."time" IS 'Start of the 5 minutes.';

CREATE VIEW report.agent_kpi_hourly AS
SELECT
	h.starts AS "time",
	k.agent_id,
	{{measures 28: k.{public}}}
FROM (
	SELECT date_trunc('hour', min(b."time"), 'UTC') AS first, max(b."time") AS last
	FROM kpid.agent_kpi_5m b
) span
CROSS JOIN LATERAL generate_series(span.first, span.last, interval '1 hour') AS h (starts)
CROSS JOIN LATERAL (
	SELECT
		b.agent_id,
		{{measures 28: sum(b.{column}){scale} AS {public}}}
	FROM kpid.agent_kpi_5m b
	WHERE b."time" >= h.starts AND b."time" < h.starts + interval '1 hour'
	GROUP BY b.agent_id
) k;
COMMENT ON VIEW report.agent_kpi_hourly IS 'Sums per agent and hour of UTC. Filter by time to make queries fast.';
COMMENT ON COLUMN report.agent_kpi_hourly."time" IS 'Start of the hour.';

CREATE VIEW report.agent_kpi_daily AS
SELECT
	d.starts AS "time",
	k.agent_id,
	{{measures 28: k.{public}}}
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
		{{measures 28: sum(b.{column}){scale} AS {public}}}
	FROM kpid.agent_kpi_5m b
	WHERE b."time" >= d.starts AND b."time" < d.ends
	GROUP BY b.agent_id
) k;
COMMENT ON VIEW report.agent_kpi_daily IS 'Sums per agent and day in the configured time zone (report.time_zone; UTC unless set). Filter by time to make queries fast.';
COMMENT ON COLUMN report.agent_kpi_daily."time" IS 'Start of the day in the configured time zone.';

CREATE VIEW report.agent_kpi_rolling AS
SELECT
	k.agent_id,
	w."window",
	statement_timestamp() AS as_of,
	k.backlog,
	{{measures 28: k.{public}}}
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
		{{measures 28: sum(u.{column}){scale} AS {public}}}
	FROM (
		SELECT
			b.agent_id,
			0::bigint AS backlog,
			{{measures 28: b.{column}}}
		FROM kpid.agent_kpi_5m b
		WHERE b."time" > date_bin('5 minutes', statement_timestamp(), '2000-01-01 00:00:00+00') - w.length
			AND b."time" <= date_bin('5 minutes', statement_timestamp(), '2000-01-01 00:00:00+00')
		UNION ALL
		SELECT
			a.agent_id,
			a.backlog,
			{{measures 28: 0}}
		FROM kpid.agent_backlog a
		WHERE a.backlog <> 0
	) u
	GROUP BY u.agent_id
) k;
COMMENT ON VIEW report.agent_kpi_rolling IS 'Sums per agent over the last 15m, 1h, 4h, 24h, 7d and 30d, in whole 5-minute buckets including the current one, and the backlog. Agents with neither are missing. Filter by "window": only that window is then read.';
COMMENT ON COLUMN report.agent_kpi_rolling."window" IS '15m, 1h, 4h, 24h, 7d or 30d. A reserved word of SQL: write it in double quotes.';
COMMENT ON COLUMN report.agent_kpi_rolling.as_of IS 'When the reading statement began.';
COMMENT ON COLUMN report.agent_kpi_rolling.backlog IS 'Open or paused tickets that the agent owns now. The same for every window.';

DO $comments$
DECLARE
	v text;
	c record;
BEGIN
	FOREACH v IN ARRAY ARRAY['agent_kpi_5m', 'agent_kpi_hourly', 'agent_kpi_daily', 'agent_kpi_rolling'] LOOP
		FOR c IN
			SELECT *
			FROM (
				VALUES
					('agent_id', 'The agent; the empty text holds what nobody owned.'),
					{{measures 28: ('{public}', '{comment}')}}
			) AS measure (name, meaning)
		LOOP
			EXECUTE format('COMMENT ON COLUMN report.%I.%I IS %L', v, c.name, c.meaning);
		END LOOP;
	END LOOP;
END
$comments$;

CREATE VIEW report.sla_live AS
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
		WHEN c.calendar IS NOT NULL THEN w.sign * worked.us * 0.000001
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
	SELECT
		least(a.now_us, a.zero_us) AS from_us,
		greatest(a.now_us, a.zero_us) AS until_us,
		CASE WHEN a.zero_us < a.now_us THEN -1 ELSE 1 END AS sign,
		least(a.now_us, a.zero_us) / 2419200000000 AS first_period,
		greatest(a.now_us, a.zero_us) / 2419200000000 AS last_period
	FROM (
		SELECT
			(extract(epoch FROM statement_timestamp()) * 1000000)::bigint AS now_us,
			(extract(epoch FROM c.zero_at) * 1000000)::bigint AS zero_us
	) a
	WHERE c.calendar IS NOT NULL
) w ON true
LEFT JOIN LATERAL (
	-- NULL until all of the hours are stored.
	SELECT
		CASE WHEN count(*) = w.last_period - w.first_period + 1 THEN sum(
			CASE
				WHEN h.period > w.first_period AND h.period < w.last_period THEN h.worked_us
				ELSE (
					SELECT coalesce(sum(upper(s.span) - lower(s.span)), 0)
					FROM unnest(h.spans * int8multirange(int8range(w.from_us, w.until_us))) AS s (span))
			END)
		END AS us
	FROM kpid.calendar k
	JOIN kpid.calendar_hours h ON h.hours_id = k.hours_id
	WHERE k.revision_no = t.revision_no
		AND k.calendar = c.calendar
		AND h.period BETWEEN w.first_period AND w.last_period
) worked ON c.calendar IS NOT NULL
WHERE NOT c.stopped;
COMMENT ON VIEW report.sla_live IS 'One row per SLA clock that has not stopped, as of now.';
COMMENT ON COLUMN report.sla_live.ticket_id IS 'ID of the ticket, as in its events.';
COMMENT ON COLUMN report.sla_live.target IS 'first_response, next_response, arrival or resolution.';
COMMENT ON COLUMN report.sla_live.n IS 'Number of the clock among those of the ticket and target: the cycle for resolution, the number of the next response, 1 for the others (2 and more if such a clock started again).';
COMMENT ON COLUMN report.sla_live.cycle IS 'Cycle in which the clock started.';
COMMENT ON COLUMN report.sla_live.state IS 'breached, else paused, else at_risk (a warning was due, or, without configured warnings, 80 % of the time has passed), else pending.';
COMMENT ON COLUMN report.sla_live.started_at IS 'When the clock started.';
COMMENT ON COLUMN report.sla_live.due_at IS 'When it is due; NULL: paused.';
COMMENT ON COLUMN report.sla_live.seconds_left IS 'Seconds of running time until it is due: only hours of its calendar count, and no pause. Negative: past due. NULL: a daemon has not stored the calendar''s hours yet, which takes some seconds.';
COMMENT ON COLUMN report.sla_live.agent_id IS 'Owner of the ticket now; NULL: nobody.';
COMMENT ON COLUMN report.sla_live.team_id IS 'Team of the ticket now; NULL: none.';
COMMENT ON COLUMN report.sla_live.project_id IS 'Project of the ticket now; NULL: not set.';
COMMENT ON COLUMN report.sla_live.category IS 'Category of the ticket now; NULL: not set.';
COMMENT ON COLUMN report.sla_live.priority IS 'Priority of the ticket now; NULL: not set.';
COMMENT ON COLUMN report.sla_live.policy IS 'Policy that the ticket''s attributes match now; NULL: none.';

CREATE VIEW report.alert AS
SELECT
	a.alert_id,
	a.ticket_id,
	a.target,
	a.n,
	CASE
		WHEN a.state NOT IN ('breached', 'acknowledged')
			OR NOT EXISTS (SELECT FROM kpid.acknowledgement k WHERE k.alert_id = a.alert_id AND k.pending)
		THEN a.state
		WHEN EXISTS (SELECT FROM kpid.acknowledgement k WHERE k.alert_id = a.alert_id AND k.ended_at IS NULL)
		THEN 'acknowledged'
		ELSE 'breached'
	END AS state,
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
COMMENT ON VIEW report.alert IS 'One row per SLA clock that was breached or warned about. Rows are never deleted: a breach or a warning that late events undo is voided.';
COMMENT ON COLUMN report.alert.alert_id IS 'Stable key of the alert: a hash of ticket_id, target and n.';
COMMENT ON COLUMN report.alert.ticket_id IS 'ID of the ticket, as in its events.';
COMMENT ON COLUMN report.alert.target IS 'first_response, next_response, arrival or resolution.';
COMMENT ON COLUMN report.alert.n IS 'Number of the clock among those of the ticket and target: the cycle for resolution, the number of the next response, 1 for the others (2 and more if such a clock started again).';
COMMENT ON COLUMN report.alert.state IS 'warning; averted (the clock stopped in time, or is no longer judged); breached; acknowledged; resolved (the clock stopped after the breach); or voided.';
COMMENT ON COLUMN report.alert.level IS 'Number of escalations that are due; 0: none yet, or only a warning.';
COMMENT ON COLUMN report.alert.due_at IS 'When the clock is due; NULL: paused, or no longer has a target.';
COMMENT ON COLUMN report.alert.breached_at IS 'Event time of the breach; NULL: only a warning.';
COMMENT ON COLUMN report.alert.cause IS 'deadline, or policy_change (a change of attributes moved the due time into the past). NULL: no breach.';
COMMENT ON COLUMN report.alert.owner_at_breach IS 'Owner of the ticket at the breach, or at the first warning if there is no breach; NULL: nobody.';
COMMENT ON COLUMN report.alert.project_id IS 'Project at the breach, or at the first warning if there is no breach; NULL: not set.';
COMMENT ON COLUMN report.alert.policy IS 'Policy that judged the breach; for a warning, the policy in force. NULL: none.';
COMMENT ON COLUMN report.alert.policy_version IS 'Policy revision that judged it; NULL: none.';
COMMENT ON COLUMN report.alert.detected_at IS 'Wall-clock time at which kpid detected the breach or the first warning.';
COMMENT ON COLUMN report.alert.resolved_at IS 'When the clock stopped, if the state is resolved; otherwise NULL.';
COMMENT ON COLUMN report.alert.unconfirmed IS 'True: the breach was reported without waiting for sources that had been silent for too long.';
COMMENT ON COLUMN report.alert.delivery IS 'queued, sent, silenced (see report.silence), shadow (its project is only observed), too_old (detected more than alert.max_age after the breach), closed (the ticket was already closed at detection), over (resolved before it could be sent) or off (no topic is configured). Only queued and sent alerts are delivered; silenced ones are once their silence ends.';
COMMENT ON COLUMN report.alert.revision IS 'Number of changes of this row.';
COMMENT ON COLUMN report.alert.evidence_topic IS 'Topic of the event that started the clock; NULL: unknown.';
COMMENT ON COLUMN report.alert.evidence_partition IS 'Partition of that event; NULL: unknown.';
COMMENT ON COLUMN report.alert.evidence_offset IS 'Offset of that event; NULL: unknown.';
COMMENT ON COLUMN report.alert.warned_at IS 'When the first warning was due; NULL: none yet.';
COMMENT ON COLUMN report.alert.warnings IS 'Number of warnings that are due.';

-- Input --------------------------------------------------------------------------------------------------------------

-- encode(…, 'escape') keeps control characters, which a terminal would interpret. This escapes them as well;
-- decode(first_bytes, 'escape') returns the original bytes.
CREATE VIEW report.dead_letter AS
SELECT
	d.topic,
	d.partition,
	d."offset",
	d.reason,
	d.detail,
	(
		SELECT coalesce(string_agg(
			CASE
				WHEN v.byte = 92 THEN '\\'
				WHEN v.byte BETWEEN 32 AND 126 THEN chr(v.byte)
				ELSE '\' || (v.byte >> 6)::text || (v.byte >> 3 & 7)::text || (v.byte & 7)::text
			END, '' ORDER BY v.i), '')
		FROM (
			SELECT i, get_byte(d.value, i) AS byte
			FROM generate_series(0, least(length(d.value), 200) - 1) AS i
		) v
	) AS first_bytes,
	length(d.value) AS length_bytes,
	d.read_at,
	d.requeued_at
FROM kpid.dead_letter d;
COMMENT ON VIEW report.dead_letter IS 'One row per message that is not a valid event. kpid dlq show prints all of its bytes.';
COMMENT ON COLUMN report.dead_letter.topic IS 'Topic that it was read from.';
COMMENT ON COLUMN report.dead_letter.partition IS 'Partition of the topic.';
COMMENT ON COLUMN report.dead_letter."offset" IS 'Offset in the partition. A recreated topic may have two messages at one offset. A reserved word of SQL: write it in double quotes.';
COMMENT ON COLUMN report.dead_letter.reason IS 'too_large, too_deep, not_json, not_an_object, missing_field, bad_time, bad_value, future, id_conflict or too_many.';
COMMENT ON COLUMN report.dead_letter.detail IS 'What is wrong with it, as text.';
COMMENT ON COLUMN report.dead_letter.first_bytes IS 'Its first 200 bytes: printable ASCII as is, backslashes doubled, all other bytes as a backslash and three octal digits.';
COMMENT ON COLUMN report.dead_letter.length_bytes IS 'Length of the message in bytes.';
COMMENT ON COLUMN report.dead_letter.read_at IS 'When kpid read it.';
COMMENT ON COLUMN report.dead_letter.requeued_at IS 'When it was requeued; NULL: not requeued.';

CREATE VIEW report.parked AS
SELECT
	p.ticket_id,
	p.reason,
	p.detail,
	p.n_events,
	p.parked_at,
	p.attempts,
	p.next_at
FROM kpid.parked_ticket p;
COMMENT ON VIEW report.parked IS 'Tickets that could not be written and were set aside so that all others go on. No event is lost: they are folded as soon as the ticket can be written. Until then no figure includes those events, and no alert is raised for the ticket.';
COMMENT ON COLUMN report.parked.ticket_id IS 'ID of the ticket.';
COMMENT ON COLUMN report.parked.reason IS 'locked: another session holds rows of the ticket. refused: PostgreSQL refuses its rows. untried: it was in a batch that could not be written, and is tried next.';
COMMENT ON COLUMN report.parked.detail IS 'The error of PostgreSQL for the ticket, or for its batch if it is untried.';
COMMENT ON COLUMN report.parked.n_events IS 'Number of waiting events; 0: parked because of a deadline alone.';
COMMENT ON COLUMN report.parked.parked_at IS 'When it was set aside.';
COMMENT ON COLUMN report.parked.attempts IS 'Number of failed retries.';
COMMENT ON COLUMN report.parked.next_at IS 'When it is retried.';

CREATE VIEW report.data_freshness AS
SELECT
	p.topic,
	p.partition,
	p.state,
	p.state_reason,
	p.owner,
	p.next_offset,
	p.high_offset,
	CASE WHEN p.high_offset > greatest(p.next_offset, p.read_to) THEN p.high_offset - greatest(p.next_offset, p.read_to)
		WHEN p.high_offset <= greatest(p.next_offset, p.read_to) THEN 0
	END AS lag_messages,
	CASE
		WHEN p.state = 'finished' THEN 0
		WHEN p.complete_until = '-infinity' OR p.complete_until > statement_timestamp() + interval '1 second' THEN NULL
		ELSE greatest(extract(epoch FROM statement_timestamp()) - extract(epoch FROM p.complete_until), 0)
	END AS lag_seconds,
	CASE WHEN isfinite(p.complete_until) AND p.complete_until <= statement_timestamp() + interval '1 second' THEN p.complete_until END
		AS complete_until,
	p.last_event_at,
	p.seen_at,
	p.claimed_at,
	p.committed_at,
	p.n_messages,
	p.n_duplicates,
	p.n_tombstones,
	p.n_unknown_type,
	p.n_dead_letters,
	p.held_since,
	p.unknown_type
FROM kpid.source_partition p;
COMMENT ON VIEW report.data_freshness IS 'One row per source partition: how far it has been read, and how fresh its data is.';
COMMENT ON COLUMN report.data_freshness.topic IS 'Topic; for an ingested file, its name.';
COMMENT ON COLUMN report.data_freshness.partition IS 'Partition of the topic.';
COMMENT ON COLUMN report.data_freshness.state IS 'running, stopped (see state_reason) or finished.';
COMMENT ON COLUMN report.data_freshness.state_reason IS 'Why the partition is stopped; NULL: it is not stopped.';
COMMENT ON COLUMN report.data_freshness.owner IS 'The kpid instance that reads it, or read it last.';
COMMENT ON COLUMN report.data_freshness.next_offset IS 'Offset of the next message to read; NULL: not started.';
COMMENT ON COLUMN report.data_freshness.high_offset IS 'High watermark of the partition when last seen; NULL: unknown.';
COMMENT ON COLUMN report.data_freshness.lag_messages IS 'Messages still to read, including those of open transactions; NULL: unknown.';
COMMENT ON COLUMN report.data_freshness.lag_seconds IS 'Seconds since complete_until: the maximum age of this source''s figures. 0 for a source that is finished; NULL: unknown.';
COMMENT ON COLUMN report.data_freshness.complete_until IS 'Every event before this instant has been counted; NULL: unknown, or a source that is finished.';
COMMENT ON COLUMN report.data_freshness.last_event_at IS 'Time of the latest event that was read; NULL: none.';
COMMENT ON COLUMN report.data_freshness.seen_at IS 'When its owner last read from it, saw its end, or queued more of it behind other partitions.';
COMMENT ON COLUMN report.data_freshness.claimed_at IS 'When its owner claimed it.';
COMMENT ON COLUMN report.data_freshness.committed_at IS 'Time of the last commit that moved next_offset; NULL: none yet.';
COMMENT ON COLUMN report.data_freshness.n_messages IS 'Number of messages read.';
COMMENT ON COLUMN report.data_freshness.n_duplicates IS 'Part of n_messages: duplicate events.';
COMMENT ON COLUMN report.data_freshness.n_tombstones IS 'Part of n_messages: messages without a value.';
COMMENT ON COLUMN report.data_freshness.n_unknown_type IS 'Part of n_messages: messages of a type that kpid ignores.';
COMMENT ON COLUMN report.data_freshness.n_dead_letters IS 'Part of n_messages: rejected messages, see report.dead_letter.';
COMMENT ON COLUMN report.data_freshness.held_since IS 'Since when an open transaction of a producer has kept its messages from being read; NULL: none does.';
COMMENT ON COLUMN report.data_freshness.unknown_type IS 'An example of the types that n_unknown_type counts, truncated; NULL: none.';

CREATE VIEW report.gap AS
SELECT
	g.gap_no,
	g.topic,
	g.partition,
	g.reason,
	g.expected_offset,
	g.low_offset,
	g.high_offset,
	g.detected_at,
	g.accepted_at,
	g.accepted_by,
	g.resumed_at_offset
FROM kpid.gap g;
COMMENT ON VIEW report.gap IS 'One row per gap: messages that were expected and are missing. The partition is stopped until an operator accepts the gap (kpid gap accept).';
COMMENT ON COLUMN report.gap.gap_no IS 'Number of the gap.';
COMMENT ON COLUMN report.gap.topic IS 'Topic.';
COMMENT ON COLUMN report.gap.partition IS 'Partition of the topic.';
COMMENT ON COLUMN report.gap.reason IS 'What was found instead of the expected messages.';
COMMENT ON COLUMN report.gap.expected_offset IS 'The offset that was expected.';
COMMENT ON COLUMN report.gap.low_offset IS 'First available offset at that time; NULL: unknown.';
COMMENT ON COLUMN report.gap.high_offset IS 'High watermark of the partition at that time; NULL: unknown.';
COMMENT ON COLUMN report.gap.detected_at IS 'When it was detected.';
COMMENT ON COLUMN report.gap.accepted_at IS 'When the loss was accepted; NULL: not yet, the partition is stopped.';
COMMENT ON COLUMN report.gap.accepted_by IS 'Who accepted the loss; NULL: nobody yet.';
COMMENT ON COLUMN report.gap.resumed_at_offset IS 'Offset at which reading resumed; NULL: not yet.';

-- About this schema --------------------------------------------------------------------------------------------------

CREATE VIEW report.version AS
SELECT 1 AS version;
COMMENT ON VIEW report.version IS 'The version of this schema, in one row.';
COMMENT ON COLUMN report.version.version IS 'Rises when an object is removed, renamed or changes its meaning. New objects and columns do not change it.';

CREATE VIEW report.acknowledgement AS
SELECT
	k.alert_id,
	k.acknowledged_at,
	k.acknowledged_by,
	k.why,
	k.fires_again_at,
	k.ended_at,
	k.ended_by,
	k.ended_why
FROM kpid.acknowledgement k;
COMMENT ON VIEW report.acknowledgement IS 'One row per acknowledgement of an alert. Rows are kept.';
COMMENT ON COLUMN report.acknowledgement.alert_id IS 'ID of the alert.';
COMMENT ON COLUMN report.acknowledgement.acknowledged_at IS 'When it was acknowledged.';
COMMENT ON COLUMN report.acknowledgement.acknowledged_by IS 'Who acknowledged it, by the name they gave.';
COMMENT ON COLUMN report.acknowledgement.why IS 'Reason given.';
COMMENT ON COLUMN report.acknowledgement.fires_again_at IS 'When the alert is raised again if it is still active; NULL: never.';
COMMENT ON COLUMN report.acknowledgement.ended_at IS 'When the acknowledgement ended; NULL: still in force.';
COMMENT ON COLUMN report.acknowledgement.ended_by IS 'Who ended it; kpid: it expired, or the alert is over.';
COMMENT ON COLUMN report.acknowledgement.ended_why IS 'Reason for the end.';

CREATE VIEW report.silence AS
SELECT
	s.silence_no,
	s.project_id,
	s.target,
	s.starts_at,
	s.ends_at,
	s.made_at,
	s.made_by,
	s.why
FROM kpid.silence s;
COMMENT ON VIEW report.silence IS 'One row per silence: a period in which alerts are recorded but not sent.';
COMMENT ON COLUMN report.silence.silence_no IS 'Number of the silence.';
COMMENT ON COLUMN report.silence.project_id IS 'The only project that is silenced; NULL: all.';
COMMENT ON COLUMN report.silence.target IS 'The only target that is silenced; NULL: all.';
COMMENT ON COLUMN report.silence.starts_at IS 'Start of the silence.';
COMMENT ON COLUMN report.silence.ends_at IS 'End of the silence. Alerts that are still active then are sent.';
COMMENT ON COLUMN report.silence.made_at IS 'When it was created.';
COMMENT ON COLUMN report.silence.made_by IS 'Who created it, by the name they gave.';
COMMENT ON COLUMN report.silence.why IS 'Reason given.';

CREATE VIEW report.alert_delivery AS
SELECT
	d.alert_id,
	d.receiver,
	CASE
		WHEN d.state = 'pending' AND d.attempts > 0 THEN 'failing'
		ELSE d.state
	END AS state,
	d.revision,
	d.sent_revision,
	d.attempts,
	CASE WHEN d.state = 'pending' THEN d.next_at END AS next_at,
	d.sent_at,
	d.last_error
FROM kpid.delivery d;
COMMENT ON VIEW report.alert_delivery IS 'One row per alert and HTTP receiver. For delivery to the Kafka topic see report.alert (delivery).';
COMMENT ON COLUMN report.alert_delivery.alert_id IS 'ID of the alert.';
COMMENT ON COLUMN report.alert_delivery.receiver IS 'Name of the receiver in the receivers file.';
COMMENT ON COLUMN report.alert_delivery.state IS 'pending, failing (an attempt failed and will be retried), sent, or dropped (the receiver no longer exists).';
COMMENT ON COLUMN report.alert_delivery.revision IS 'Revision of the alert that is to be sent.';
COMMENT ON COLUMN report.alert_delivery.sent_revision IS 'Revision of the alert that the receiver accepted last; NULL: none.';
COMMENT ON COLUMN report.alert_delivery.attempts IS 'Failed attempts since the receiver last accepted a message.';
COMMENT ON COLUMN report.alert_delivery.next_at IS 'Time of the next attempt; NULL: none.';
COMMENT ON COLUMN report.alert_delivery.sent_at IS 'When the receiver last accepted a message; NULL: never.';
COMMENT ON COLUMN report.alert_delivery.last_error IS 'Why the last attempt failed; NULL: it succeeded.';

CREATE VIEW report.recalculation AS
SELECT
	c.recalculation_no,
	c.began_at,
	c.ended_at,
	c.asked_by,
	c.why,
	c.opened_since,
	c.opened_before,
	(
		SELECT string_agg(r.id, ', ' ORDER BY r.effective_from)
		FROM kpid.policy_revision r
		WHERE r.revision_no = ANY (c.revision_nos)) AS policy_versions,
	c.n_tickets AS tickets,
	c.n_judged AS judged
FROM kpid.recalculation c;
COMMENT ON VIEW report.recalculation IS 'One row per run of kpid policy recalc, which judges tickets again under other policies.';
COMMENT ON COLUMN report.recalculation.recalculation_no IS 'Number of the run.';
COMMENT ON COLUMN report.recalculation.began_at IS 'When it began.';
COMMENT ON COLUMN report.recalculation.ended_at IS 'When it ended; NULL: running or aborted (tickets that were judged by then stay so).';
COMMENT ON COLUMN report.recalculation.asked_by IS 'Who requested it, by the name they gave.';
COMMENT ON COLUMN report.recalculation.why IS 'Reason given.';
COMMENT ON COLUMN report.recalculation.opened_since IS 'Only tickets opened at or after this time; NULL: no lower bound.';
COMMENT ON COLUMN report.recalculation.opened_before IS 'Only tickets opened before this time; NULL: no upper bound.';
COMMENT ON COLUMN report.recalculation.policy_versions IS 'Policy revisions that were applied, separated by commas.';
COMMENT ON COLUMN report.recalculation.tickets IS 'Number of tickets examined; NULL: not ended.';
COMMENT ON COLUMN report.recalculation.judged IS 'Number of those tickets that had another revision before; NULL: not ended.';

CREATE VIEW report.alert_hourly AS
SELECT
	date_trunc('hour', a.detected_at, 'UTC') AS "time",
	a.project_id,
	a.target,
	count(*) AS breached,
	count(*) FILTER (WHERE a.state = 'voided') AS voided,
	count(*) FILTER (WHERE a.state = 'voided' AND a.delivery = 'queued') AS voided_sent,
	count(*) FILTER (WHERE a.unconfirmed) AS unconfirmed
FROM kpid.alert a
WHERE a.breached_at IS NOT NULL
GROUP BY 1, 2, 3;
COMMENT ON VIEW report.alert_hourly IS 'Breaches per hour of their detection, project and target, and how many of them were false alarms. Warnings do not count.';
COMMENT ON COLUMN report.alert_hourly."time" IS 'Start of the hour (UTC) in which they were detected.';
COMMENT ON COLUMN report.alert_hourly.project_id IS 'Project of the ticket at the breach; NULL: none.';
COMMENT ON COLUMN report.alert_hourly.target IS 'first_response, next_response, arrival or resolution.';
COMMENT ON COLUMN report.alert_hourly.breached IS 'Number of breaches, including voided ones.';
COMMENT ON COLUMN report.alert_hourly.voided IS 'False alarms: breaches that were voided because proof arrived late or other policies were applied.';
COMMENT ON COLUMN report.alert_hourly.voided_sent IS 'Part of voided: those that were sent (delivery queued or sent in report.alert).';
COMMENT ON COLUMN report.alert_hourly.unconfirmed IS 'Breaches that were reported before a silent source confirmed them.';

CREATE VIEW report.repair AS
SELECT repair_no, repaired_at, repaired_by, role, why, table_name, key, column_name, was, is_now
FROM kpid.repair;
COMMENT ON VIEW report.repair IS 'One row per value that kpid verify --repair changed.';
COMMENT ON COLUMN report.repair.repair_no IS 'Number of the row, ascending.';
COMMENT ON COLUMN report.repair.repaired_at IS 'Time of the repair, the same for all its values.';
COMMENT ON COLUMN report.repair.repaired_by IS 'Who ran it, by the name they gave.';
COMMENT ON COLUMN report.repair.role IS 'Database role that they had logged in as.';
COMMENT ON COLUMN report.repair.why IS 'Reason given.';
COMMENT ON COLUMN report.repair.table_name IS 'Table in the private schema kpid.';
COMMENT ON COLUMN report.repair.key IS 'Key of the row: TICKET, TICKET/CYCLE, TICKET/TARGET/N, TIME/AGENT or AGENT.';
COMMENT ON COLUMN report.repair.column_name IS 'Name of the column; NULL: the whole row was missing or did not belong there.';
COMMENT ON COLUMN report.repair.was IS 'Value before; NULL: no value or no row.';
COMMENT ON COLUMN report.repair.is_now IS 'Value after; NULL: no value or no row.';

CREATE VIEW report.readme AS
SELECT r.object, r.grain, r.time_column, r.example
FROM (
	VALUES
		('report.ticket', 'ticket', 'opened_at',
			'SELECT state, count(*) FROM report.ticket WHERE opened_at >= now() - interval ''7 days'' GROUP BY state'),
		('report.ticket_cycle', 'ticket × cycle', 'started_at',
			'SELECT verdict, count(*) FROM report.ticket_cycle WHERE started_at >= now() - interval ''30 days'' GROUP BY verdict'),
		('report.agent_kpi_5m', 'agent × 5 minutes of UTC', 'time',
			'SELECT time, sum(opened) AS opened, sum(resolved) AS resolved FROM report.agent_kpi_5m WHERE time >= now() - interval ''1 hour'' GROUP BY time ORDER BY time'),
		('report.agent_kpi_hourly', 'agent × hour of UTC', 'time',
			'SELECT time, sum(first_response_within_sla)::numeric / nullif(sum(first_response_measured), 0) AS in_time FROM report.agent_kpi_hourly WHERE time >= now() - interval ''24 hours'' GROUP BY time ORDER BY time'),
		('report.agent_kpi_daily', 'agent × day in the configured time zone', 'time',
			'SELECT agent_id, sum(resolved) AS resolved, sum(resolution_seconds_sum) / nullif(sum(resolved), 0) AS seconds_each, sum(csat_score_sum) / nullif(sum(csat_responses), 0) AS satisfaction FROM report.agent_kpi_daily WHERE time >= now() - interval ''30 days'' GROUP BY agent_id ORDER BY resolved DESC'),
		('report.agent_kpi_rolling', 'agent × window', 'as_of',
			'SELECT agent_id, backlog, opened, resolved, first_response_within_sla::numeric / nullif(first_response_measured, 0) AS in_time FROM report.agent_kpi_rolling WHERE "window" = ''1h'' ORDER BY backlog DESC'),
		('report.sla_live', 'SLA clock that has not stopped', 'due_at',
			'SELECT ticket_id, target, state, seconds_left, agent_id FROM report.sla_live WHERE state <> ''paused'' ORDER BY due_at LIMIT 20'),
		('report.alert', 'alert: SLA clock that was breached or warned about', 'breached_at',
			'SELECT project_id, target, count(*) FROM report.alert WHERE breached_at >= now() - interval ''24 hours'' AND state NOT IN (''warning'', ''averted'', ''voided'') GROUP BY project_id, target'),
		('report.alert_delivery', 'alert × receiver', 'sent_at',
			'SELECT receiver, state, count(*), max(attempts), max(last_error) FROM report.alert_delivery GROUP BY receiver, state'),
		('report.acknowledgement', 'acknowledgement of an alert', 'acknowledged_at',
			'SELECT acknowledged_by, count(*) FROM report.acknowledgement WHERE acknowledged_at >= now() - interval ''7 days'' GROUP BY acknowledged_by'),
		('report.silence', 'silence', 'starts_at',
			'SELECT * FROM report.silence WHERE ends_at > now()'),
		('report.dead_letter', 'message that is not a valid event', 'read_at',
			'SELECT reason, count(*), max(read_at) FROM report.dead_letter WHERE read_at >= now() - interval ''7 days'' GROUP BY reason'),
		('report.parked', 'ticket that is set aside', 'parked_at',
			'SELECT reason, count(*), sum(n_events) AS events, min(parked_at) AS since FROM report.parked GROUP BY reason'),
		('report.data_freshness', 'source partition', 'complete_until',
			'SELECT topic, sum(lag_messages) AS lag_messages, max(lag_seconds) AS lag_seconds FROM report.data_freshness GROUP BY topic'),
		('report.gap', 'gap in a source partition', 'detected_at',
			'SELECT * FROM report.gap WHERE accepted_at IS NULL'),
		('report.version', 'one row', NULL,
			'SELECT version FROM report.version'),
		('report.readme', 'object of this schema', NULL,
			'SELECT object, grain, time_column FROM report.readme'),
		('report.recalculation', 'recalculation', 'began_at',
			'SELECT began_at, asked_by, why, judged FROM report.recalculation ORDER BY began_at DESC'),
		('report.alert_hourly', 'hour × project × target', 'time',
			'SELECT sum(voided) AS false_alarms, sum(breached) AS breaches FROM report.alert_hourly WHERE time >= now() - interval ''7 days'''),
		('report.repair', 'value that kpid verify --repair changed', 'repaired_at',
			'SELECT repaired_at, repaired_by, why, count(*) FROM report.repair GROUP BY repaired_at, repaired_by, why ORDER BY repaired_at')
) AS r (object, grain, time_column, example);
COMMENT ON VIEW report.readme IS 'The contents of this schema: one row per object, each with an example query. Filter by the time column; in the KPI views this makes queries fast. Divide sums last, by nullif(…, 0): the result is then NULL, not 100 %, where nothing was measured.';
COMMENT ON COLUMN report.readme.object IS 'Name of the view.';
COMMENT ON COLUMN report.readme.grain IS 'What one row describes.';
COMMENT ON COLUMN report.readme.time_column IS 'Column to filter by time; NULL: none.';
COMMENT ON COLUMN report.readme.example IS 'Example query.';
