-- Alerts on their way to receivers over HTTP.

CREATE TABLE kpid.notification (
	alert_id text COLLATE "C" PRIMARY KEY,
	changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE kpid.notification IS 'Alerts that have changed, and of which no receiver has been thought of yet. Written with the change, deleted with the rows of kpid.delivery.';

CREATE TABLE kpid.delivery (
	receiver text COLLATE "C" NOT NULL,
	alert_id text COLLATE "C" NOT NULL,
	revision integer NOT NULL,
	state text NOT NULL CHECK (state IN ('pending', 'sent', 'dropped')),
	sent_revision integer,
	attempts integer NOT NULL DEFAULT 0,
	next_at timestamptz NOT NULL,
	sent_at timestamptz,
	last_error text,
	PRIMARY KEY (receiver, alert_id)
) WITH (fillfactor = 70);
CREATE INDEX delivery_next_at ON kpid.delivery (receiver, next_at) WHERE state = 'pending';
COMMENT ON TABLE kpid.delivery IS 'What each receiver has been told of each alert, and what it has yet to be told. It is told what is so when it is told.';
COMMENT ON COLUMN kpid.delivery.revision IS 'Of the alert, that it is to be told.';
COMMENT ON COLUMN kpid.delivery.sent_revision IS 'Of the alert, that it took last; NULL: none.';
COMMENT ON COLUMN kpid.delivery.attempts IS 'That failed, since it took something last.';

GRANT SELECT, INSERT, UPDATE, DELETE ON kpid.notification TO kpid_writer;
GRANT SELECT, INSERT, UPDATE ON kpid.delivery TO kpid_writer;

CREATE OR REPLACE FUNCTION kpid.tell(a kpid.alert) RETURNS void
LANGUAGE sql
AS $body$
	INSERT INTO kpid.outbox (alert_id, key, payload)
	SELECT (a).alert_id, concat_ws('/', (a).ticket_id, (a).target, (a).n), kpid.alert_message(a)
	WHERE (a).delivery = 'queued';
	INSERT INTO kpid.notification (alert_id)
	SELECT (a).alert_id
	WHERE (a).delivery = 'queued'
	ON CONFLICT (alert_id) DO NOTHING;
$body$;

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
COMMENT ON COLUMN report.alert_delivery.revision IS 'Revision of the alert that it is to be told.';
COMMENT ON COLUMN report.alert_delivery.sent_revision IS 'Revision of the alert that it took last; NULL: none.';
COMMENT ON COLUMN report.alert_delivery.attempts IS 'Attempts that failed since it took something last.';
COMMENT ON COLUMN report.alert_delivery.next_at IS 'When it is tried next; NULL: not.';
COMMENT ON COLUMN report.alert_delivery.sent_at IS 'When it took something last; NULL: never.';
COMMENT ON COLUMN report.alert_delivery.last_error IS 'Why the last attempt failed; NULL: it did not.';

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
		('report.alert_delivery', 'alert × receiver', 'sent_at',
			'SELECT receiver, state, count(*), max(attempts), max(last_error) FROM report.alert_delivery GROUP BY receiver, state'),
		('report.acknowledgement', 'acknowledgement of an alert', 'acknowledged_at',
			'SELECT acknowledged_by, count(*) FROM report.acknowledgement WHERE acknowledged_at >= now() - interval ''7 days'' GROUP BY acknowledged_by'),
		('report.silence', 'silence', 'starts_at',
			'SELECT * FROM report.silence WHERE ends_at > now()'),
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
