-- How good the alerts are: breaches by the hour at which they were seen, and how many of them late events took back.

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
COMMENT ON COLUMN report.alert_hourly.unconfirmed IS 'Breaches that were told although a silent source had not confirmed them.';

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
		('report.alert', 'alert: SLA clock that was breached or warned about', 'breached_at',
			'SELECT project_id, target, count(*) FROM report.alert WHERE breached_at >= now() - interval ''24 hours'' AND state NOT IN (''warning'', ''averted'', ''voided'') GROUP BY project_id, target'),
		('report.alert_hourly', 'hour × project × target', 'time',
			'SELECT sum(voided) AS false_alarms, sum(breached) AS breaches FROM report.alert_hourly WHERE time >= now() - interval ''7 days'''),
		('report.alert_delivery', 'alert × receiver', 'sent_at',
			'SELECT receiver, state, count(*), max(attempts), max(last_error) FROM report.alert_delivery GROUP BY receiver, state'),
		('report.acknowledgement', 'acknowledgement of an alert', 'acknowledged_at',
			'SELECT acknowledged_by, count(*) FROM report.acknowledgement WHERE acknowledged_at >= now() - interval ''7 days'' GROUP BY acknowledged_by'),
		('report.silence', 'silence', 'starts_at',
			'SELECT * FROM report.silence WHERE ends_at > now()'),
		('report.recalculation', 'recalculation', 'began_at',
			'SELECT began_at, asked_by, why, judged FROM report.recalculation ORDER BY began_at DESC'),
		('report.dead_letter', 'message that is no event', 'read_at',
			'SELECT reason, count(*), max(read_at) FROM report.dead_letter WHERE read_at >= now() - interval ''7 days'' GROUP BY reason'),
		('report.data_freshness', 'source partition', 'complete_until',
			'SELECT topic, sum(lag_messages) AS lag_messages, max(lag_seconds) AS lag_seconds FROM report.data_freshness GROUP BY topic'),
		('report.gap', 'gap in a source partition', 'detected_at',
			'SELECT * FROM report.gap WHERE accepted_at IS NULL'),
		('report.version', 'one row', NULL,
			'SELECT version FROM report.version'),
		('report.readme', 'object of this schema', NULL,
			'SELECT object, grain, time_column FROM report.readme')
) AS r (object, grain, time_column, example);
