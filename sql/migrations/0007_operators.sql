-- Functions for operators: acknowledge alerts and silence them.
--
-- They run in the transactions of their callers, who may leave them open. So they write rows of their own and lock no row
-- that the daemon needs: the daemon reads what was committed here and changes the alert itself (queries/alert_apply_acks.sql).
-- Two operators who act on the same alert wait for each other, at most for lock_timeout.

CREATE FUNCTION kpid.state_to_act_on(alert_id text) RETURNS text
LANGUAGE plpgsql
AS $body$
DECLARE
	state text;
BEGIN
	SELECT a.state INTO state FROM report.alert a WHERE a.alert_id = state_to_act_on.alert_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no alert %', left(state_to_act_on.alert_id, 200) USING ERRCODE = 'no_data_found';
	END IF;
	RETURN state;
END
$body$;
COMMENT ON FUNCTION kpid.state_to_act_on(text) IS 'The state of an alert as report.alert shows it. Fails if there is no such alert.';

CREATE FUNCTION report.ack_alert(alert_id text, who text, why text, fires_again_after interval DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
AS $body$
DECLARE
	state text;
BEGIN
	PERFORM kpid.check_who_and_why('an acknowledgement', ack_alert.who, ack_alert.why);
	IF ack_alert.fires_again_after <= interval '0' THEN
		RAISE EXCEPTION 'fires_again_after must be positive' USING ERRCODE = 'check_violation';
	END IF;
	state := kpid.state_to_act_on(ack_alert.alert_id);
	IF state NOT IN ('breached', 'acknowledged') THEN
		RAISE EXCEPTION 'alert % is %; only an active breach can be acknowledged', ack_alert.alert_id, state
			USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	UPDATE kpid.acknowledgement k
	SET ended_at = clock_timestamp(), ended_by = ack_alert.who, ended_why = 'acknowledged again', pending = true
	WHERE k.alert_id = ack_alert.alert_id AND k.ended_at IS NULL;
	INSERT INTO kpid.acknowledgement (alert_id, acknowledged_by, why, fires_again_at)
	VALUES (ack_alert.alert_id, ack_alert.who, ack_alert.why, clock_timestamp() + ack_alert.fires_again_after);
	RETURN 'acknowledged';
EXCEPTION
	WHEN lock_not_available OR unique_violation THEN
		RAISE EXCEPTION 'another session is acting on alert % at this moment; try again', ack_alert.alert_id
			USING ERRCODE = 'lock_not_available';
END
$body$;
COMMENT ON FUNCTION report.ack_alert(text, text, text, interval) IS 'Acknowledges an active breach: who takes it on, and why. If it is still active after fires_again_after, it is raised again.';

CREATE FUNCTION report.unack_alert(alert_id text, who text, why text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
AS $body$
DECLARE
	state text;
BEGIN
	PERFORM kpid.check_who_and_why('withdrawing an acknowledgement', unack_alert.who, unack_alert.why);
	state := kpid.state_to_act_on(unack_alert.alert_id);
	IF state <> 'acknowledged' THEN
		RAISE EXCEPTION 'alert % is %, not acknowledged', unack_alert.alert_id, state
			USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	UPDATE kpid.acknowledgement k
	SET ended_at = clock_timestamp(), ended_by = unack_alert.who, ended_why = unack_alert.why, pending = true
	WHERE k.alert_id = unack_alert.alert_id AND k.ended_at IS NULL;
	RETURN 'breached';
EXCEPTION
	WHEN lock_not_available THEN
		RAISE EXCEPTION 'another session is acting on alert % at this moment; try again', unack_alert.alert_id
			USING ERRCODE = 'lock_not_available';
END
$body$;
COMMENT ON FUNCTION report.unack_alert(text, text, text) IS 'Withdraws an acknowledgement: the alert is breached again.';

CREATE FUNCTION report.silence_alerts(
	until timestamptz, who text, why text, project_id text DEFAULT NULL, target text DEFAULT NULL,
	since timestamptz DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
AS $body$
DECLARE
	no bigint;
	starts timestamptz := coalesce(silence_alerts.since, clock_timestamp());
BEGIN
	PERFORM kpid.check_who_and_why('a silence', silence_alerts.who, silence_alerts.why);
	IF silence_alerts.until IS NULL OR silence_alerts.until <= greatest(starts, clock_timestamp()) THEN
		RAISE EXCEPTION 'a silence must end after its start, and in the future' USING ERRCODE = 'check_violation';
	END IF;
	INSERT INTO kpid.silence (project_id, target, starts_at, ends_at, made_by, why)
	VALUES (silence_alerts.project_id, silence_alerts.target, starts, silence_alerts.until, silence_alerts.who,
		silence_alerts.why)
	RETURNING silence_no INTO no;
	RETURN no;
END
$body$;
COMMENT ON FUNCTION report.silence_alerts(timestamptz, text, text, text, text, timestamptz) IS 'Silences alerts of one project, one target or all until an instant. They are recorded, and sent at the end if they are still active. Returns the number of the silence.';

CREATE FUNCTION report.end_silence(silence_no bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
AS $body$
BEGIN
	UPDATE kpid.silence s
	SET starts_at = least(s.starts_at, clock_timestamp() - interval '1 microsecond'), ends_at = clock_timestamp()
	WHERE s.silence_no = end_silence.silence_no AND s.ends_at > clock_timestamp();
	RETURN FOUND;
EXCEPTION
	WHEN lock_not_available THEN
		RAISE EXCEPTION 'another session is acting on silence % at this moment; try again', end_silence.silence_no
			USING ERRCODE = 'lock_not_available';
END
$body$;
COMMENT ON FUNCTION report.end_silence(bigint) IS 'Ends a silence now. Returns false if there is no active silence of that number.';
