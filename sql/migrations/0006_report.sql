-- The public interface: the schema report. What is here keeps its names and meanings; see report.version.
--
-- Everything is a view with the rights of its owner, so that who reads it needs no right on the private
-- tables. Times are timestamptz, seconds and scores are exact numerics, words are text. Sums and counts,
-- never rates: a rate is made last, and so is right for any grouping.
--
-- What is live is as of statement_timestamp(): it moves with every statement, also within one transaction
-- (now() would not), and is constant within a statement, so that indexes can serve it (clock_timestamp()
-- is not). Intervals that are subtracted from a timestamptz are in hours: a day would be as long as the
-- session's time zone says.

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
COMMENT ON VIEW report.ticket IS 'One row per ticket: its state now, in its current cycle. Nobody is NULL.';
COMMENT ON COLUMN report.ticket.ticket_id IS 'The ticket, as its events name it.';
COMMENT ON COLUMN report.ticket.project_id IS 'Project, site or building; NULL: not set.';
COMMENT ON COLUMN report.ticket.channel IS 'How it came in, such as phone, app or desk; NULL: not set.';
COMMENT ON COLUMN report.ticket.category IS 'What it is about; NULL: not set.';
COMMENT ON COLUMN report.ticket.priority IS 'Priority in the words of the producer; NULL: not set.';
COMMENT ON COLUMN report.ticket.team_id IS 'Team now; NULL: none.';
COMMENT ON COLUMN report.ticket.requester_ref IS 'Who asked, as an opaque reference; NULL: not set.';
COMMENT ON COLUMN report.ticket.agent_id IS 'Owner now; NULL: nobody.';
COMMENT ON COLUMN report.ticket.first_owner_id IS 'The first agent who owned it; NULL: nobody yet.';
COMMENT ON COLUMN report.ticket.responder_id IS 'Who gave the first response; NULL: nobody, or not known.';
COMMENT ON COLUMN report.ticket.arrived_by_id IS 'Who arrived on site first; NULL: nobody.';
COMMENT ON COLUMN report.ticket.resolver_id IS 'Who resolved the current cycle; NULL: not resolved, or nobody.';
COMMENT ON COLUMN report.ticket.closer_id IS 'Who closed the current cycle; NULL: not closed, or nobody.';
COMMENT ON COLUMN report.ticket.opened_at IS 'When it was opened; NULL: its opening has not come yet (state unknown).';
COMMENT ON COLUMN report.ticket.first_response_at IS 'First response of a human in the ticket''s life; NULL: none, or not known.';
COMMENT ON COLUMN report.ticket.arrived_at IS 'First arrival on site in the ticket''s life; NULL: none.';
COMMENT ON COLUMN report.ticket.resolved_at IS 'When the current cycle was resolved; NULL: not yet, or reopened since.';
COMMENT ON COLUMN report.ticket.closed_at IS 'When the current cycle was closed; NULL: not yet, or reopened since.';
COMMENT ON COLUMN report.ticket.state IS 'unknown (no opening yet), open, paused, resolved or closed.';
COMMENT ON COLUMN report.ticket.resolution IS 'Of the current cycle: solved, unsolved, cancelled or duplicate; NULL: not resolved.';
COMMENT ON COLUMN report.ticket.cycle IS '1 from the opening on, one more with each reopening; 0 while the state is unknown.';
COMMENT ON COLUMN report.ticket.reopen_count IS 'How often it was reopened.';
COMMENT ON COLUMN report.ticket.transfer_count IS 'How often it went from one agent to another while open or paused.';
COMMENT ON COLUMN report.ticket.first_response_due_at IS 'Due time of the latest first-response clock; NULL: no target, or it stands in a pause.';
COMMENT ON COLUMN report.ticket.first_response_verdict IS 'Of the latest first-response clock: none, pending, met or breached.';
COMMENT ON COLUMN report.ticket.resolution_due_at IS 'Due time of the latest resolution clock; NULL: no target, or it stands in a pause.';
COMMENT ON COLUMN report.ticket.resolution_verdict IS 'Of the latest resolution clock: none, pending, met or breached.';
COMMENT ON COLUMN report.ticket.csat_score IS 'Score of the last satisfaction survey that counts; NULL: none.';
COMMENT ON COLUMN report.ticket.csat_scale_max IS 'The best score that survey allows; NULL: no survey.';
COMMENT ON COLUMN report.ticket.policy IS 'Policy that its attributes match now; NULL: none.';
COMMENT ON COLUMN report.ticket.policy_version IS 'Revision of the policies that it is judged under all its life; NULL: none.';
COMMENT ON COLUMN report.ticket.revised_at IS 'When kpid last changed this row.';
COMMENT ON COLUMN report.ticket.first_response_working_seconds IS 'Seconds that the clock of the first response ran, its calendar and listed pauses taken out; NULL: no response.';
COMMENT ON COLUMN report.ticket.resolution_working_seconds IS 'Seconds that the clock of the current cycle''s resolution ran, its calendar and listed pauses taken out; NULL: not resolved as solved or unsolved.';

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
COMMENT ON VIEW report.ticket_cycle IS 'One row per ticket and cycle: the time from the opening or a reopening to the next. Nobody is NULL.';
COMMENT ON COLUMN report.ticket_cycle.ticket_id IS 'The ticket, as its events name it.';
COMMENT ON COLUMN report.ticket_cycle.cycle IS '1 from the opening on, one more with each reopening.';
COMMENT ON COLUMN report.ticket_cycle.started_at IS 'The opening or the reopening.';
COMMENT ON COLUMN report.ticket_cycle.resolved_at IS 'When this cycle was resolved; NULL: not yet.';
COMMENT ON COLUMN report.ticket_cycle.closed_at IS 'When this cycle was closed; NULL: not yet, or reopened without.';
COMMENT ON COLUMN report.ticket_cycle.resolver_id IS 'Who resolved it; NULL: not resolved, or nobody.';
COMMENT ON COLUMN report.ticket_cycle.closer_id IS 'Who closed it; NULL: not closed, or nobody.';
COMMENT ON COLUMN report.ticket_cycle.resolution IS 'solved, unsolved, cancelled or duplicate; NULL: not resolved.';
COMMENT ON COLUMN report.ticket_cycle.due_at IS 'Due time of this cycle''s resolution clock; NULL: no target, or it stands in a pause.';
COMMENT ON COLUMN report.ticket_cycle.verdict IS 'Of this cycle''s resolution clock: none, pending, met or breached.';
COMMENT ON COLUMN report.ticket_cycle.resolution_working_seconds IS 'Seconds that this cycle''s clock ran until it was resolved, its calendar and listed pauses taken out; NULL: not resolved as solved or unsolved.';

CREATE VIEW report.agent_kpi_5m AS
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
COMMENT ON VIEW report.agent_kpi_5m IS 'Sums per agent and 5 minutes of UTC. Buckets that sum to nothing may be absent. Filter by time: that is what makes it fast.';
COMMENT ON COLUMN report.agent_kpi_5m."time" IS 'Start of the 5 minutes.';

CREATE VIEW report.agent_kpi_hourly AS
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
COMMENT ON VIEW report.agent_kpi_hourly IS 'Sums per agent and hour of UTC. Filter by time: that is what makes it fast.';
COMMENT ON COLUMN report.agent_kpi_hourly."time" IS 'Start of the hour.';

CREATE VIEW report.agent_kpi_daily AS
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
COMMENT ON VIEW report.agent_kpi_daily IS 'Sums per agent and day in the configured time zone (report.time_zone; UTC unless set). Filter by time: that is what makes it fast.';
COMMENT ON COLUMN report.agent_kpi_daily."time" IS 'Start of the day in the configured time zone.';

CREATE VIEW report.agent_kpi_rolling AS
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
COMMENT ON VIEW report.agent_kpi_rolling IS 'Sums per agent over the 15m, 1h, 4h, 24h, 7d and 30d up to now, in whole 5-minute buckets with the running one, and the backlog. Agents with neither are absent. Filter by "window": only that one is read.';
COMMENT ON COLUMN report.agent_kpi_rolling."window" IS '15m, 1h, 4h, 24h, 7d or 30d. A reserved word of SQL: write it in double quotes.';
COMMENT ON COLUMN report.agent_kpi_rolling.as_of IS 'Now: when the statement that reads this began.';
COMMENT ON COLUMN report.agent_kpi_rolling.backlog IS 'Tickets open or paused that the agent owns now; the same for every window.';

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
					('opened', 'Tickets opened, by the agent of the opening.'),
					('responded', 'Tickets that got their first response, by responder.'),
					('first_response_measured', 'First responses that were judged, met or breached.'),
					('first_response_within_sla', 'Of first_response_measured: met.'),
					('first_response_seconds_sum', 'Seconds from the clock''s start to the first response, of the tickets in responded.'),
					('resolved', 'Cycles resolved as solved or unsolved, by resolver.'),
					('resolution_measured', 'Resolutions that were judged, met or breached.'),
					('resolution_within_sla', 'Of resolution_measured: met.'),
					('resolution_seconds_sum', 'Seconds from the clock''s start to the resolution, of the cycles in resolved.'),
					('arrival_measured', 'Arrivals on site that were judged, met or breached.'),
					('arrival_within_sla', 'Of arrival_measured: met.'),
					('next_response_measured', 'Answers to later messages of the requester that were judged, met or breached.'),
					('next_response_within_sla', 'Of next_response_measured: met.'),
					('closed', 'Cycles closed, by closer.'),
					('reopened', 'Reopenings, by the resolver of the cycle before.'),
					('fcr_eligible', 'Tickets whose first cycle was solved: the base of first contact resolution.'),
					('fcr_resolved', 'Of fcr_eligible: solved without a transfer after the first response, and not reopened within the window.'),
					('transferred_out', 'Transfers away from the agent.'),
					('csat_responses', 'Satisfaction surveys that count.'),
					('csat_satisfied', 'Of csat_responses: a score of 80 % of the scale or more.'),
					('csat_score_sum', 'Sum of score / scale, 0 to 1 each, of csat_responses.'),
					('nps_responses', 'Surveys of recommendation that count.'),
					('nps_promoters', 'Of nps_responses: 9 or more of 10.'),
					('nps_detractors', 'Of nps_responses: 6 or less of 10.'),
					('ces_responses', 'Surveys of effort that count.'),
					('ces_score_sum', 'Sum of score / scale, 0 to 1 each, of ces_responses.'),
					('first_response_working_seconds_sum',
						'As first_response_seconds_sum, with the clock''s calendar and listed pauses taken out.'),
					('resolution_working_seconds_sum',
						'As resolution_seconds_sum, with the clock''s calendar and listed pauses taken out.')
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
	-- NULL while some of the hours are not laid out.
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
COMMENT ON COLUMN report.sla_live.ticket_id IS 'The ticket, as its events name it.';
COMMENT ON COLUMN report.sla_live.target IS 'first_response, next_response, arrival or resolution.';
COMMENT ON COLUMN report.sla_live.n IS 'Which of its kind: the cycle for resolution, the number of the next response, 1 for the other two (2 and on where such a clock started again).';
COMMENT ON COLUMN report.sla_live.cycle IS 'Cycle in which the clock started.';
COMMENT ON COLUMN report.sla_live.state IS 'breached, else paused, else at_risk (a warning was due, or, where none was asked for, past 80 % of its time), else pending.';
COMMENT ON COLUMN report.sla_live.started_at IS 'When the clock started.';
COMMENT ON COLUMN report.sla_live.due_at IS 'When it is due; NULL: it stands in a pause.';
COMMENT ON COLUMN report.sla_live.seconds_left IS 'Seconds until it is due, as the clock runs: in the hours of its calendar, and not in a pause; negative: past due. NULL: the hours are being laid out, which takes a daemon some seconds.';
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
COMMENT ON VIEW report.alert IS 'One row per SLA clock that was breached or warned about. Rows are never deleted; a breach that late events undo is voided, a warning that they undo is averted.';
COMMENT ON COLUMN report.alert.alert_id IS 'Stable key of the alert: a hash of ticket_id, target and n.';
COMMENT ON COLUMN report.alert.ticket_id IS 'The ticket, as its events name it.';
COMMENT ON COLUMN report.alert.target IS 'first_response, next_response, arrival or resolution.';
COMMENT ON COLUMN report.alert.n IS 'Which of its kind: the cycle for resolution, the number of the next response, 1 for the other two (2 and on where such a clock started again).';
COMMENT ON COLUMN report.alert.state IS 'warning; averted (the clock stopped in time, or is not judged any more); breached; acknowledged; resolved (the clock stopped after the breach); or voided.';
COMMENT ON COLUMN report.alert.level IS 'How many escalations are due; 0: none yet, or a warning.';
COMMENT ON COLUMN report.alert.due_at IS 'When the clock is due; NULL: it is in a pause, or has no target any more.';
COMMENT ON COLUMN report.alert.breached_at IS 'When it was breached, by event time; NULL: it was only warned about.';
COMMENT ON COLUMN report.alert.cause IS 'deadline, or policy_change: a change of attributes moved the due time into the past. NULL: no breach.';
COMMENT ON COLUMN report.alert.owner_at_breach IS 'Who owned the ticket at the breach, else at the first warning; NULL: nobody.';
COMMENT ON COLUMN report.alert.project_id IS 'Project at the breach, else at the first warning; NULL: not set.';
COMMENT ON COLUMN report.alert.policy IS 'Policy that judged the breach, of a warning the one in force; NULL: none.';
COMMENT ON COLUMN report.alert.policy_version IS 'Revision of the policies that judged it; NULL: none.';
COMMENT ON COLUMN report.alert.detected_at IS 'When kpid saw the breach, or the first warning, by its clock.';
COMMENT ON COLUMN report.alert.resolved_at IS 'When the clock stopped, if the state is resolved; else NULL.';
COMMENT ON COLUMN report.alert.unconfirmed IS 'True: sources were silent for so long that they were not waited for.';
COMMENT ON COLUMN report.alert.delivery IS 'queued, sent, silenced (see report.silence), shadow (a project that is only watched), too_old (it was found later than alert.max_age after it), closed (the ticket was closed already when it was found), over (it was over before it could be sent) or off (no topic is set). Only the first two are ever sent, and silenced ones once their silence is over.';
COMMENT ON COLUMN report.alert.revision IS 'Counts the changes of this row.';
COMMENT ON COLUMN report.alert.evidence_topic IS 'Topic of the event that started the clock; NULL: not known.';
COMMENT ON COLUMN report.alert.evidence_partition IS 'Partition of that event; NULL: not known.';
COMMENT ON COLUMN report.alert.evidence_offset IS 'Offset of that event; NULL: not known.';
COMMENT ON COLUMN report.alert.warned_at IS 'When the first warning was due; NULL: none was.';
COMMENT ON COLUMN report.alert.warnings IS 'How many warnings are due.';

-- Input --------------------------------------------------------------------------------------------------------------

-- encode(…, 'escape') leaves control characters as they are, which a terminal would obey. This escapes them, too;
-- decode(first_bytes, 'escape') gives the bytes back.
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
COMMENT ON VIEW report.dead_letter IS 'One row per message that is no event. kpid dlq show has all of its bytes.';
COMMENT ON COLUMN report.dead_letter.topic IS 'Topic it was read from.';
COMMENT ON COLUMN report.dead_letter.partition IS 'Partition of the topic.';
COMMENT ON COLUMN report.dead_letter."offset" IS
	'Offset in the partition. A topic that was recreated may have two messages at one offset. A reserved word of SQL: write it in double quotes.';
COMMENT ON COLUMN report.dead_letter.reason IS 'too_large, too_deep, not_json, not_an_object, missing_field, bad_time, bad_value, future, id_conflict or too_many.';
COMMENT ON COLUMN report.dead_letter.detail IS 'What is wrong, in words.';
COMMENT ON COLUMN report.dead_letter.first_bytes IS 'Its first 200 bytes: printable ASCII as it is, a backslash doubled, all else as a backslash and three octal digits.';
COMMENT ON COLUMN report.dead_letter.length_bytes IS 'How long the message is, in bytes.';
COMMENT ON COLUMN report.dead_letter.read_at IS 'When kpid read it.';
COMMENT ON COLUMN report.dead_letter.requeued_at IS 'When it was given back to be read again; NULL: not.';

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
COMMENT ON VIEW report.parked IS 'Tickets that could not be written, set aside so that all others go on. Nothing is lost: their events are folded when it is possible. Until then no figure shows those events, and no alert is raised for the ticket.';
COMMENT ON COLUMN report.parked.ticket_id IS 'Ticket.';
COMMENT ON COLUMN report.parked.reason IS 'locked: another session holds rows of it. refused: PostgreSQL refuses its rows. untried: it was in a batch that could not be written, and is tried next.';
COMMENT ON COLUMN report.parked.detail IS 'What PostgreSQL said: of the ticket, or, for an untried one, of its batch.';
COMMENT ON COLUMN report.parked.n_events IS 'Events that wait; 0: a deadline of it has passed.';
COMMENT ON COLUMN report.parked.parked_at IS 'Since when it is set aside.';
COMMENT ON COLUMN report.parked.attempts IS 'How often it was tried again in vain.';
COMMENT ON COLUMN report.parked.next_at IS 'When it is tried again.';

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
COMMENT ON VIEW report.data_freshness IS 'One row per source partition: how far it has been read, and how fresh that is.';
COMMENT ON COLUMN report.data_freshness.topic IS 'Topic; of an ingested file, its name.';
COMMENT ON COLUMN report.data_freshness.partition IS 'Partition of the topic.';
COMMENT ON COLUMN report.data_freshness.state IS 'running, stopped (see state_reason) or finished.';
COMMENT ON COLUMN report.data_freshness.state_reason IS 'Why it stands; NULL: it does not.';
COMMENT ON COLUMN report.data_freshness.owner IS 'The instance of kpid that reads it, or did last.';
COMMENT ON COLUMN report.data_freshness.next_offset IS 'Offset of the next message to read; NULL: not begun.';
COMMENT ON COLUMN report.data_freshness.high_offset IS 'End of the partition when last seen; NULL: not known.';
COMMENT ON COLUMN report.data_freshness.lag_messages IS 'Messages still to read, those of open transactions too; NULL: not known.';
COMMENT ON COLUMN report.data_freshness.lag_seconds IS 'Seconds since complete_until: how old the figures of this source may be. 0 for a source that will bring nothing more; NULL: not known.';
COMMENT ON COLUMN report.data_freshness.complete_until IS 'Every event before this instant has been counted; NULL: not known, or no end to it.';
COMMENT ON COLUMN report.data_freshness.last_event_at IS 'Time of the latest event that was read; NULL: none.';
COMMENT ON COLUMN report.data_freshness.seen_at IS
	'When its owner last read from it, saw that it was at its end, or had more of it to read behind others.';
COMMENT ON COLUMN report.data_freshness.claimed_at IS 'When its owner took it over.';
COMMENT ON COLUMN report.data_freshness.committed_at IS 'Last commit that moved next_offset; NULL: none yet.';
COMMENT ON COLUMN report.data_freshness.n_messages IS 'Messages read, ever.';
COMMENT ON COLUMN report.data_freshness.n_duplicates IS 'Of n_messages: events that had been counted before.';
COMMENT ON COLUMN report.data_freshness.n_tombstones IS 'Of n_messages: without a value.';
COMMENT ON COLUMN report.data_freshness.n_unknown_type IS 'Of n_messages: of a type that kpid passes over.';
COMMENT ON COLUMN report.data_freshness.n_dead_letters IS 'Of n_messages: rejected, see report.dead_letter.';
COMMENT ON COLUMN report.data_freshness.held_since IS 'Since when an open transaction of a producer keeps its messages from being read; NULL: none does.';
COMMENT ON COLUMN report.data_freshness.unknown_type IS 'The start of one of the types that n_unknown_type counts, as it was sent; NULL: none.';

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
COMMENT ON VIEW report.gap IS 'One row per gap: messages that were due and were not there. The partition stands until somebody accepts it (kpid gap accept).';
COMMENT ON COLUMN report.gap.gap_no IS 'Number of the gap.';
COMMENT ON COLUMN report.gap.topic IS 'Topic.';
COMMENT ON COLUMN report.gap.partition IS 'Partition of the topic.';
COMMENT ON COLUMN report.gap.reason IS 'What was found instead.';
COMMENT ON COLUMN report.gap.expected_offset IS 'The offset that was due.';
COMMENT ON COLUMN report.gap.low_offset IS 'First offset that was there; NULL: not known.';
COMMENT ON COLUMN report.gap.high_offset IS 'End of the partition then; NULL: not known.';
COMMENT ON COLUMN report.gap.detected_at IS 'When it was found.';
COMMENT ON COLUMN report.gap.accepted_at IS 'When somebody accepted the loss; NULL: not yet, the partition stands.';
COMMENT ON COLUMN report.gap.accepted_by IS 'Who accepted it; NULL: nobody yet.';
COMMENT ON COLUMN report.gap.resumed_at_offset IS 'Where reading went on; NULL: not yet.';

-- About this schema --------------------------------------------------------------------------------------------------

CREATE VIEW report.version AS
SELECT 1 AS version;
COMMENT ON VIEW report.version IS 'The version of this interface, one row.';
COMMENT ON COLUMN report.version.version IS 'Rises when something is removed, renamed or changes its meaning; new objects and columns do not raise it.';

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
COMMENT ON VIEW report.acknowledgement IS 'One row per acknowledgement of an alert. Rows stay.';
COMMENT ON COLUMN report.acknowledgement.alert_id IS 'The alert.';
COMMENT ON COLUMN report.acknowledgement.acknowledged_at IS 'When it was acknowledged.';
COMMENT ON COLUMN report.acknowledgement.acknowledged_by IS 'Who did it, by the name they gave.';
COMMENT ON COLUMN report.acknowledgement.why IS 'Why.';
COMMENT ON COLUMN report.acknowledgement.fires_again_at IS 'When it is raised again unless it is over by then; NULL: never.';
COMMENT ON COLUMN report.acknowledgement.ended_at IS 'When the acknowledgement ended; NULL: it lasts.';
COMMENT ON COLUMN report.acknowledgement.ended_by IS 'Who ended it; kpid: its time was up, or the alert is over.';
COMMENT ON COLUMN report.acknowledgement.ended_why IS 'Why it ended.';

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
COMMENT ON VIEW report.silence IS 'One row per silence: a time in which alerts are recorded and not sent.';
COMMENT ON COLUMN report.silence.silence_no IS 'Number of the silence.';
COMMENT ON COLUMN report.silence.project_id IS 'Of this project only; NULL: of all.';
COMMENT ON COLUMN report.silence.target IS 'Of this target only; NULL: of all.';
COMMENT ON COLUMN report.silence.starts_at IS 'From then on.';
COMMENT ON COLUMN report.silence.ends_at IS 'Until then. What still lasts is sent then.';
COMMENT ON COLUMN report.silence.made_at IS 'When it was made.';
COMMENT ON COLUMN report.silence.made_by IS 'Who did it, by the name they gave.';
COMMENT ON COLUMN report.silence.why IS 'Why.';

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
COMMENT ON VIEW report.alert_delivery IS 'One row per alert and receiver over HTTP. What goes to the Kafka topic is in report.alert (delivery).';
COMMENT ON COLUMN report.alert_delivery.alert_id IS 'The alert.';
COMMENT ON COLUMN report.alert_delivery.receiver IS 'The receiver, as the file of receivers names it.';
COMMENT ON COLUMN report.alert_delivery.state IS 'pending, failing (it was tried and will be again), sent, or dropped (the receiver said that it is gone).';
COMMENT ON COLUMN report.alert_delivery.revision IS 'Revision of the alert that is to be sent.';
COMMENT ON COLUMN report.alert_delivery.sent_revision IS 'Revision of the alert that it took last; NULL: none.';
COMMENT ON COLUMN report.alert_delivery.attempts IS 'Attempts that failed since it took something last.';
COMMENT ON COLUMN report.alert_delivery.next_at IS 'When it is tried next; NULL: not.';
COMMENT ON COLUMN report.alert_delivery.sent_at IS 'When it took something last; NULL: never.';
COMMENT ON COLUMN report.alert_delivery.last_error IS 'Why the last attempt failed; NULL: it did not.';

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
COMMENT ON VIEW report.recalculation IS 'One row each time that tickets were judged again on purpose (kpid policy recalc).';
COMMENT ON COLUMN report.recalculation.recalculation_no IS 'Its number.';
COMMENT ON COLUMN report.recalculation.began_at IS 'When it began.';
COMMENT ON COLUMN report.recalculation.ended_at IS 'When it was through; NULL: it is under way, or was broken off (what it had judged stays so).';
COMMENT ON COLUMN report.recalculation.asked_by IS 'Who had it done, as they said.';
COMMENT ON COLUMN report.recalculation.why IS 'Why, as they said.';
COMMENT ON COLUMN report.recalculation.opened_since IS 'Of tickets opened from then on; NULL: without this bound.';
COMMENT ON COLUMN report.recalculation.opened_before IS 'Of tickets opened before then; NULL: without this bound.';
COMMENT ON COLUMN report.recalculation.policy_versions IS 'The revisions of the policies under which, separated by commas.';
COMMENT ON COLUMN report.recalculation.tickets IS 'Tickets that were looked at; NULL: it has not ended.';
COMMENT ON COLUMN report.recalculation.judged IS 'Of these, tickets that were under another revision before; NULL: it has not ended.';

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
COMMENT ON COLUMN report.alert_hourly."time" IS 'Start of the hour (UTC) in which they were seen.';
COMMENT ON COLUMN report.alert_hourly.project_id IS 'Project of the ticket at the breach; NULL: none.';
COMMENT ON COLUMN report.alert_hourly.target IS 'first_response, next_response, arrival or resolution.';
COMMENT ON COLUMN report.alert_hourly.breached IS 'Breaches, with those that were taken back.';
COMMENT ON COLUMN report.alert_hourly.voided IS 'False alarms: breaches that are none any more, because a proof arrived late or other policies were applied.';
COMMENT ON COLUMN report.alert_hourly.voided_sent IS 'Of these, those that were sent (report.alert: queued or sent).';
COMMENT ON COLUMN report.alert_hourly.unconfirmed IS 'Breaches that were reported although a silent source had not confirmed them.';

CREATE VIEW report.repair AS
SELECT repair_no, repaired_at, repaired_by, role, why, table_name, key, column_name, was, is_now
FROM kpid.repair;
COMMENT ON VIEW report.repair IS 'One row per value that kpid verify --repair has changed.';
COMMENT ON COLUMN report.repair.repair_no IS 'Number, ascending.';
COMMENT ON COLUMN report.repair.repaired_at IS 'When; the same for all values of one repair.';
COMMENT ON COLUMN report.repair.repaired_by IS 'Who did it, by the name they gave.';
COMMENT ON COLUMN report.repair.role IS 'The role of the database that they had logged in as.';
COMMENT ON COLUMN report.repair.why IS 'Why, as they said.';
COMMENT ON COLUMN report.repair.table_name IS 'The table of the private schema kpid.';
COMMENT ON COLUMN report.repair.key IS 'The row: TICKET, TICKET/CYCLE, TICKET/TARGET/N, TIME/AGENT or AGENT.';
COMMENT ON COLUMN report.repair.column_name IS 'The column; NULL: the whole row, which was missing or too much.';
COMMENT ON COLUMN report.repair.was IS 'What was stored; NULL: nothing, or no row.';
COMMENT ON COLUMN report.repair.is_now IS 'What is stored now; NULL: nothing, or no row.';

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
		('report.dead_letter', 'message that is no event', 'read_at',
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
COMMENT ON VIEW report.readme IS 'What is in this schema, one row per object, each with a query to begin with. Filter by the time column: in the KPI views that is what makes a query fast. Divide sums last, by nullif(…, 0): what was not measured is then NULL and not 100 %.';
COMMENT ON COLUMN report.readme.object IS 'The view.';
COMMENT ON COLUMN report.readme.grain IS 'What one row is.';
COMMENT ON COLUMN report.readme.time_column IS 'The column to filter by time; NULL: none.';
COMMENT ON COLUMN report.readme.example IS 'A query to begin with.';
