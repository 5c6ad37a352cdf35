-- Private functions of the writer, the alerts and kpid verify.
--
-- Function bodies are in dollar quotes. A body written as RETURN or BEGIN ATOMIC makes the function depend on the columns
-- that it uses, and PostgreSQL then refuses to alter them.

CREATE FUNCTION kpid.rfc3339(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $body$
	SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$body$;
COMMENT ON FUNCTION kpid.rfc3339(timestamptz) IS 'The instant in UTC in RFC 3339 format, with microseconds.';

CREATE FUNCTION kpid.not_ahead(stored timestamptz, now timestamptz, shown timestamptz DEFAULT '-infinity') RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$
	SELECT least(greatest(CASE WHEN stored <= now + interval '1 second' THEN stored ELSE '-infinity' END, shown), now)
$body$;
COMMENT ON FUNCTION kpid.not_ahead(timestamptz, timestamptz, timestamptz) IS 'The watermark of a source from its stored value and the value shown since, never ahead of the clock. A stored value beyond the clock was written before the clock was set back, and is ignored.';

CREATE FUNCTION kpid.alert_message(a kpid.alert) RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT json_build_object(
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
				'unconfirmed', a.unconfirmed))::text
$body$;
COMMENT ON FUNCTION kpid.alert_message(kpid.alert) IS 'The message about an alert: a CloudEvent (deploy/asyncapi/schemas/alert.json).';

CREATE FUNCTION kpid.is_silenced(project_id text, target text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET enable_seqscan = off
AS $body$
	SELECT EXISTS (
		SELECT
		FROM kpid.silence s
		WHERE NOT s.is_over AND s.starts_at <= at AND at < s.ends_at
			AND (s.project_id IS NULL OR s.project_id = is_silenced.project_id)
			AND (s.target IS NULL OR s.target = is_silenced.target)
	)
$body$;
COMMENT ON FUNCTION kpid.is_silenced(text, text, timestamptz) IS 'Whether alerts of a project and target are silenced at a recent instant. Called for each alert, so it must use the index of active silences. Without enable_seqscan = off the planner expects to find a row early and scans all past silences.';

CREATE FUNCTION kpid.publish_alert(a kpid.alert) RETURNS void
LANGUAGE sql
AS $body$
	INSERT INTO kpid.outbox (alert_id, key, payload)
	SELECT (a).alert_id, concat_ws('/', (a).ticket_id, (a).target, (a).n), kpid.alert_message(a)
	WHERE (a).delivery = 'queued';
	INSERT INTO kpid.notification (alert_id, revision)
	SELECT (a).alert_id, (a).revision
	WHERE (a).delivery = 'queued'
	ON CONFLICT (alert_id) DO UPDATE SET revision = EXCLUDED.revision;
$body$;
COMMENT ON FUNCTION kpid.publish_alert(kpid.alert) IS 'Writes the message about an alert to the outbox and queues its notification, if its delivery is queued. Otherwise does nothing.';

CREATE FUNCTION kpid.is_in_progress(id xid) RETURNS boolean
LANGUAGE sql STABLE
AS $body$
	SELECT CASE
		WHEN n.id = 0 THEN false
		WHEN ((n.id - n.next) & 4294967295) < 2147483648 THEN true -- began after the statement's snapshot
		ELSE coalesce(pg_xact_status((n.next - ((n.next - n.id) & 4294967295))::text::xid8) = 'in progress', false)
	END
	FROM (SELECT id::text::bigint AS id, pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) n
$body$;
COMMENT ON FUNCTION kpid.is_in_progress(xid) IS 'Whether the transaction in xmax of a row, which has locked or changed the row, is still in progress. Also false if several transactions have locked the row at once.';

CREATE FUNCTION kpid.hold_lease(name text, epoch bigint) RETURNS void
LANGUAGE plpgsql
AS $body$
BEGIN
	PERFORM
	FROM kpid.lease l
	WHERE l.name = hold_lease.name AND l.epoch = hold_lease.epoch
	FOR SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the lease % has another holder now', hold_lease.name USING ERRCODE = 'KL001';
	END IF;
END
$body$;
COMMENT ON FUNCTION kpid.hold_lease(text, bigint) IS 'Fails with KL001 unless the lease is held under this epoch. Nobody else can take the lease before the transaction ends.';

CREATE FUNCTION kpid.check_who_and_why(what text, who text, why text) RETURNS void
LANGUAGE plpgsql
AS $body$
BEGIN
	IF coalesce(who, '') = '' OR coalesce(why, '') = '' THEN
		RAISE EXCEPTION '% needs who and why', what USING ERRCODE = 'check_violation';
	END IF;
	IF length(who) > 200 OR length(why) > 2000 THEN
		RAISE EXCEPTION '% takes who in at most 200 characters and why in at most 2000', what USING ERRCODE = 'check_violation';
	END IF;
END
$body$;
COMMENT ON FUNCTION kpid.check_who_and_why(text, text, text) IS 'Fails unless who and why are given and short enough to be listed. The tables have the same limits.';

CREATE FUNCTION kpid.row_difference(stored jsonb, expected jsonb)
RETURNS TABLE (column_name text, stored_value text, expected_value text)
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT NULL, stored::text, expected::text
	WHERE stored IS NULL OR expected IS NULL
	UNION ALL
	SELECT c.key, c.value, expected ->> c.key
	FROM jsonb_each_text(stored) c
	WHERE expected IS NOT NULL AND c.value IS DISTINCT FROM expected ->> c.key
$body$;
COMMENT ON FUNCTION kpid.row_difference(jsonb, jsonb) IS 'The columns in which two rows differ. If one row is missing: one line without a column name, with the row that exists.';

CREATE FUNCTION kpid.lock_holders() RETURNS text
LANGUAGE sql STABLE
AS $body$
	SELECT string_agg(DISTINCT format('process %s (%s, %s)', a.pid, coalesce(a.usename, '?'),
		coalesce(nullif(a.application_name, ''), 'no application name')), ', ')
	FROM pg_locks l
	JOIN pg_class c ON c.oid = l.relation
	JOIN pg_stat_activity a ON a.pid = l.pid
	WHERE c.relnamespace = 'kpid'::regnamespace
		AND c.relkind = 'r'
		AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND l.mode <> 'AccessShareLock'
		AND l.granted
		AND a.pid <> pg_backend_pid()
		AND (a.xact_start IS NULL OR a.xact_start < clock_timestamp() - interval '2 seconds')
$body$;
COMMENT ON FUNCTION kpid.lock_holders() IS 'Sessions that have locked tables of kpid for 2 s or longer, as text; NULL: none. Only members of pg_read_all_stats see when another role''s transaction began; others list such sessions at once.';
