-- Functions for operators: acknowledge alerts and silence them.

CREATE FUNCTION report.ack_alert(alert_id text, who text, why text, fires_again_after interval DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
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
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
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
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
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
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
	UPDATE kpid.silence s
	SET starts_at = least(s.starts_at, clock_timestamp() - interval '1 microsecond'), ends_at = clock_timestamp()
	WHERE s.silence_no = end_silence.silence_no AND s.ends_at > clock_timestamp();
	RETURN FOUND;
END
$body$;
COMMENT ON FUNCTION report.end_silence(bigint) IS 'Ends a silence now. False: there is none of that number that lasts.';
