-- The lag of a partition is shown only while it is known: its owner has looked at the end of the partition within 10 s.

ALTER TABLE kpid.source_partition
	ADD COLUMN released_at timestamptz;
COMMENT ON COLUMN kpid.source_partition.released_at IS 'When its owner gave it up; NULL: it has not, or the partition was claimed since. A lost owner leaves NULL.';

CREATE OR REPLACE VIEW kpid.source_known AS
SELECT
	p.source_no,
	p.topic,
	p.partition,
	p.epoch,
	p.owner,
	p.state,
	p.state_reason,
	p.next_offset,
	p.high_offset,
	p.read_to,
	CASE WHEN p.complete_until <= t.latest THEN greatest(p.complete_until, v.until) ELSE coalesce(v.until, p.complete_until) END AS complete_until,
	CASE WHEN p.seen_at <= t.latest THEN greatest(p.seen_at, v.until) ELSE coalesce(v.until, p.seen_at) END AS seen_at,
	CASE WHEN p.end_seen_at <= t.latest THEN greatest(p.end_seen_at, v.until) ELSE coalesce(v.until, p.end_seen_at) END AS end_seen_at,
	p.held_since,
	p.last_event_at,
	p.claimed_at,
	p.committed_at,
	p.n_messages,
	p.n_duplicates,
	p.n_tombstones,
	p.n_unknown_type,
	p.n_dead_letters,
	p.unknown_type,
	p.released_at
FROM kpid.source_partition p
LEFT JOIN kpid.heartbeat h ON h.heartbeat_no = p.heartbeat_no
CROSS JOIN LATERAL (
	SELECT statement_timestamp() + interval '1 second' AS latest
) t
-- As kpid.vouched_until, which readers may not execute. A time that is ahead of the clock was written before the clock was set
-- back: it gives way to the other one.
LEFT JOIN LATERAL (
	SELECT coalesce(h.except_until[array_position(h.except_nos, p.source_no)], h.complete_until) AS until
) v ON v.until <= t.latest;

CREATE OR REPLACE VIEW report.data_freshness AS
SELECT
	p.topic,
	p.partition,
	p.state,
	p.state_reason,
	p.owner,
	p.next_offset,
	p.high_offset,
	CASE
		WHEN p.state <> 'finished' AND (p.owner = '' OR p.released_at IS NOT NULL
			OR p.end_seen_at IS NULL OR p.end_seen_at <= statement_timestamp() - interval '10 seconds') THEN NULL
		WHEN p.high_offset > greatest(p.next_offset, p.read_to) THEN p.high_offset - greatest(p.next_offset, p.read_to)
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
	p.unknown_type,
	CASE WHEN p.end_seen_at <= statement_timestamp() + interval '1 second' THEN p.end_seen_at END AS end_seen_at
FROM kpid.source_known p;
COMMENT ON COLUMN report.data_freshness.lag_messages IS 'Messages still to read, including those of open transactions. NULL: unknown, because no instance owns the partition, the end was last looked at more than 10 s ago, or it was never seen. So a sum over partitions is "at least": count the NULLs.';
COMMENT ON COLUMN report.data_freshness.end_seen_at IS 'When the brokers were last asked for high_offset; NULL: never.';

CREATE OR REPLACE VIEW report.readme AS
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
		('report.sla_clock', 'SLA clock that has not stopped, without its ticket', 'due_at',
			'SELECT target, count(*) FROM report.sla_clock WHERE at_risk_at <= now() AND NOT breached AND NOT paused GROUP BY target'),
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
			'SELECT topic, sum(lag_messages) AS lag_messages_at_least, count(*) - count(lag_messages) AS lag_unknown, max(lag_seconds) AS lag_seconds FROM report.data_freshness GROUP BY topic'),
		('report.gap', 'gap in a source partition', 'detected_at',
			'SELECT * FROM report.gap WHERE accepted_at IS NULL'),
		('report.agent_backlog', 'agent', NULL,
			'SELECT sum(backlog) AS open_tickets FROM report.agent_backlog'),
		('report.setting', 'setting', NULL,
			'SELECT value FROM report.setting WHERE name = ''report.time_zone'''),
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
