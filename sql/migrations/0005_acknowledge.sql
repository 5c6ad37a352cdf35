-- Alerts that somebody has taken on, and times in which nobody is to be told.

DO $role$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'kpid_operator') THEN
		RESET ROLE; -- kpid_owner makes no roles: whoever migrates does
		BEGIN
			CREATE ROLE kpid_operator NOLOGIN;
			COMMENT ON ROLE kpid_operator IS 'May read the schema report of kpid, acknowledge alerts and silence them.';
		EXCEPTION
			WHEN duplicate_object OR unique_violation THEN
				NULL; -- the migration of another database was faster
			WHEN insufficient_privilege THEN
				RAISE EXCEPTION 'there is no role kpid_operator, and you may not make it; a superuser may: CREATE ROLE kpid_operator NOLOGIN';
		END;
		SET LOCAL ROLE kpid_owner;
	END IF;
END
$role$;

CREATE TABLE kpid.acknowledgement (
	ack_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	alert_id text COLLATE "C" NOT NULL,
	acknowledged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	acknowledged_by text NOT NULL,
	why text NOT NULL,
	fires_again_at timestamptz,
	ended_at timestamptz,
	ended_by text,
	ended_why text
);
CREATE UNIQUE INDEX acknowledgement_open ON kpid.acknowledgement (alert_id) WHERE ended_at IS NULL;
CREATE INDEX acknowledgement_fires_again_at ON kpid.acknowledgement (fires_again_at) WHERE ended_at IS NULL;
COMMENT ON TABLE kpid.acknowledgement IS 'Who took an alert on, why, and until when. Rows stay.';
COMMENT ON COLUMN kpid.acknowledgement.fires_again_at IS 'If the alert is not over by then it is raised again; NULL: never.';

CREATE TABLE kpid.silence (
	silence_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	project_id text COLLATE "C",
	target text CHECK (target IN ('first_response', 'next_response', 'arrival', 'resolution')),
	starts_at timestamptz NOT NULL,
	ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
	made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	made_by text NOT NULL,
	why text NOT NULL
);
COMMENT ON TABLE kpid.silence IS 'Times in which alerts are recorded and not sent. What still lasts when one ends is sent then.';
COMMENT ON COLUMN kpid.silence.project_id IS 'Of this project only; NULL: of all.';
COMMENT ON COLUMN kpid.silence.target IS 'Of this target only; NULL: of all.';

ALTER TABLE kpid.alert
	DROP CONSTRAINT alert_delivery_check,
	ADD CONSTRAINT alert_delivery_check
		CHECK (delivery IN ('queued', 'silenced', 'shadow', 'too_old', 'closed', 'over', 'off'));
CREATE INDEX alert_silenced ON kpid.alert (alert_id) WHERE delivery = 'silenced';
COMMENT ON COLUMN kpid.alert.delivery IS 'queued: each change goes to the outbox with a message, and is sent once no message of the alert is there any more. silenced: not before its silences end. The others are never sent.';

CREATE FUNCTION kpid.is_silenced(project_id text, target text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (
	SELECT
	FROM kpid.silence s
	WHERE s.starts_at <= at AND at < s.ends_at
		AND (s.project_id IS NULL OR s.project_id = is_silenced.project_id)
		AND (s.target IS NULL OR s.target = is_silenced.target)
);
COMMENT ON FUNCTION kpid.is_silenced(text, text, timestamptz) IS 'Whether alerts of that project and target are to be kept back at an instant.';

-- What is to be sent about alerts that have changed: called where the change is made.
CREATE FUNCTION kpid.tell(a kpid.alert) RETURNS void
LANGUAGE sql
AS $body$
	INSERT INTO kpid.outbox (alert_id, key, payload)
	SELECT (a).alert_id, concat_ws('/', (a).ticket_id, (a).target, (a).n), kpid.alert_message(a)
	WHERE (a).delivery = 'queued';
$body$;
COMMENT ON FUNCTION kpid.tell(kpid.alert) IS 'Puts the message about an alert into the outbox, if it is one that is sent.';

CREATE FUNCTION report.ack_alert(alert_id text, who text, why text, fires_again_after interval DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $body$
DECLARE
	a kpid.alert;
BEGIN
	IF coalesce(ack_alert.who, '') = '' OR coalesce(ack_alert.why, '') = '' THEN
		RAISE EXCEPTION 'an acknowledgement says who and why' USING ERRCODE = 'check_violation';
	END IF;
	IF ack_alert.fires_again_after <= interval '0' THEN
		RAISE EXCEPTION 'the alert would fire again at once; give a time to come' USING ERRCODE = 'check_violation';
	END IF;
	SELECT * INTO a FROM kpid.alert t WHERE t.alert_id = ack_alert.alert_id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no alert %', ack_alert.alert_id USING ERRCODE = 'no_data_found';
	END IF;
	IF a.state NOT IN ('breached', 'acknowledged') THEN
		RAISE EXCEPTION 'alert % is %; only a breach that lasts can be acknowledged', ack_alert.alert_id, a.state
			USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	UPDATE kpid.acknowledgement k
	SET ended_at = clock_timestamp(), ended_by = ack_alert.who, ended_why = 'acknowledged anew'
	WHERE k.alert_id = ack_alert.alert_id AND k.ended_at IS NULL;
	INSERT INTO kpid.acknowledgement (alert_id, acknowledged_by, why, fires_again_at)
	VALUES (ack_alert.alert_id, ack_alert.who, ack_alert.why, clock_timestamp() + ack_alert.fires_again_after);
	UPDATE kpid.alert t
	SET state = 'acknowledged', revision = t.revision + 1
	WHERE t.alert_id = ack_alert.alert_id
	RETURNING * INTO a;
	PERFORM kpid.tell(a);
	RETURN a.state;
END
$body$;
COMMENT ON FUNCTION report.ack_alert(text, text, text, interval) IS 'Acknowledges a breach that lasts: who takes it on, and why. After fires_again_after it is raised again unless it is over by then.';

CREATE FUNCTION report.unack_alert(alert_id text, who text, why text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $body$
DECLARE
	a kpid.alert;
BEGIN
	IF coalesce(unack_alert.who, '') = '' OR coalesce(unack_alert.why, '') = '' THEN
		RAISE EXCEPTION 'taking an acknowledgement back says who and why' USING ERRCODE = 'check_violation';
	END IF;
	SELECT * INTO a FROM kpid.alert t WHERE t.alert_id = unack_alert.alert_id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no alert %', unack_alert.alert_id USING ERRCODE = 'no_data_found';
	END IF;
	IF a.state <> 'acknowledged' THEN
		RAISE EXCEPTION 'alert % is %, not acknowledged', unack_alert.alert_id, a.state
			USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	UPDATE kpid.acknowledgement k
	SET ended_at = clock_timestamp(), ended_by = unack_alert.who, ended_why = unack_alert.why
	WHERE k.alert_id = unack_alert.alert_id AND k.ended_at IS NULL;
	UPDATE kpid.alert t
	SET state = 'breached', revision = t.revision + 1
	WHERE t.alert_id = unack_alert.alert_id
	RETURNING * INTO a;
	PERFORM kpid.tell(a);
	RETURN a.state;
END
$body$;
COMMENT ON FUNCTION report.unack_alert(text, text, text) IS 'Takes an acknowledgement back: the alert is breached again.';

CREATE FUNCTION report.silence_alerts(
	until timestamptz, who text, why text, project_id text DEFAULT NULL, target text DEFAULT NULL,
	since timestamptz DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $body$
DECLARE
	no bigint;
	starts timestamptz := coalesce(silence_alerts.since, clock_timestamp());
BEGIN
	IF coalesce(silence_alerts.who, '') = '' OR coalesce(silence_alerts.why, '') = '' THEN
		RAISE EXCEPTION 'a silence says who and why' USING ERRCODE = 'check_violation';
	END IF;
	IF silence_alerts.until IS NULL OR silence_alerts.until <= greatest(starts, clock_timestamp()) THEN
		RAISE EXCEPTION 'a silence ends later than it begins, and later than now' USING ERRCODE = 'check_violation';
	END IF;
	INSERT INTO kpid.silence (project_id, target, starts_at, ends_at, made_by, why)
	VALUES (silence_alerts.project_id, silence_alerts.target, starts, silence_alerts.until, silence_alerts.who,
		silence_alerts.why)
	RETURNING silence_no INTO no;
	RETURN no;
END
$body$;
COMMENT ON FUNCTION report.silence_alerts(timestamptz, text, text, text, text, timestamptz) IS 'Keeps alerts back until an instant: of one project, one target, or all. They are recorded; what still lasts then is sent then. Returns the number of the silence.';

CREATE FUNCTION report.end_silence(silence_no bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $body$
BEGIN
	UPDATE kpid.silence s
	SET starts_at = least(s.starts_at, clock_timestamp() - interval '1 microsecond'), ends_at = clock_timestamp()
	WHERE s.silence_no = end_silence.silence_no AND s.ends_at > clock_timestamp();
	RETURN FOUND;
END
$body$;
COMMENT ON FUNCTION report.end_silence(bigint) IS 'Ends a silence now. False: there is none of that number that lasts.';

CREATE OR REPLACE VIEW report.acknowledgement AS
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
COMMENT ON COLUMN report.acknowledgement.acknowledged_by IS 'By whom, as they said.';
COMMENT ON COLUMN report.acknowledgement.why IS 'Why.';
COMMENT ON COLUMN report.acknowledgement.fires_again_at IS 'When it is raised again unless it is over by then; NULL: never.';
COMMENT ON COLUMN report.acknowledgement.ended_at IS 'When the acknowledgement ended; NULL: it lasts.';
COMMENT ON COLUMN report.acknowledgement.ended_by IS 'Who ended it; kpid: its time was up, or the alert is over.';
COMMENT ON COLUMN report.acknowledgement.ended_why IS 'Why it ended.';

CREATE OR REPLACE VIEW report.silence AS
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
COMMENT ON COLUMN report.silence.made_by IS 'By whom, as they said.';
COMMENT ON COLUMN report.silence.why IS 'Why.';
COMMENT ON COLUMN report.alert.delivery IS 'queued, sent, silenced (see report.silence), shadow (a project that is only watched), too_old (it was found later than alert.max_age after it), closed (the ticket was closed already when it was found), over (it was over before it could be sent) or off (no topic is set). Only the first two are ever sent, and silenced ones once their silence is over.';

REVOKE ALL ON FUNCTION
	kpid.is_silenced(text, text, timestamptz), kpid.tell(kpid.alert), report.ack_alert(text, text, text, interval),
	report.unack_alert(text, text, text), report.silence_alerts(timestamptz, text, text, text, text, timestamptz),
	report.end_silence(bigint)
	FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
	report.ack_alert(text, text, text, interval), report.unack_alert(text, text, text),
	report.silence_alerts(timestamptz, text, text, text, text, timestamptz), report.end_silence(bigint)
	TO kpid_operator, kpid_writer;
GRANT EXECUTE ON FUNCTION kpid.is_silenced(text, text, timestamptz), kpid.tell(kpid.alert) TO kpid_writer;
GRANT SELECT ON kpid.acknowledgement, kpid.silence TO kpid_writer;
GRANT UPDATE ON kpid.acknowledgement TO kpid_writer;
GRANT USAGE ON SCHEMA report TO kpid_operator;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO kpid_operator;
ALTER DEFAULT PRIVILEGES FOR ROLE kpid_owner IN SCHEMA report GRANT SELECT ON TABLES TO kpid_operator;

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
