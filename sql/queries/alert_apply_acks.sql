-- Applies acknowledgements that are new or taken back (kpid.acknowledgement.pending), and ends those that have expired. Each
-- changed alert gets a new revision and is published. Skips rows that another session has locked: an operator may leave a
-- transaction open.
WITH waiting AS MATERIALIZED (
	SELECT k.alert_id FROM kpid.acknowledgement k WHERE k.pending
	UNION
	SELECT k.alert_id FROM kpid.acknowledgement k WHERE k.ended_at IS NULL AND k.fires_again_at <= statement_timestamp()
), locked AS MATERIALIZED (
	SELECT a.alert_id, a.state
	FROM kpid.alert a
	WHERE a.alert_id = ANY (ARRAY(SELECT w.alert_id FROM waiting w))
	ORDER BY a.alert_id
	FOR NO KEY UPDATE SKIP LOCKED
), taken AS MATERIALIZED (
	SELECT
		k.ack_no, k.alert_id, k.pending, k.ended_at IS NULL AS lasts,
		k.ended_at IS NULL AND coalesce(k.fires_again_at <= statement_timestamp(), false) AS is_up
	FROM kpid.acknowledgement k
	WHERE k.alert_id = ANY (ARRAY(SELECT l.alert_id FROM locked l)) AND (k.pending OR k.ended_at IS NULL)
	ORDER BY k.ack_no
	FOR NO KEY UPDATE SKIP LOCKED
), wanted AS (
	SELECT
		l.alert_id,
		CASE WHEN bool_or(t.lasts AND NOT t.is_up) THEN 'acknowledged' ELSE 'breached' END AS state,
		bool_or(t.pending AND t.lasts AND NOT t.is_up) AS is_new
	FROM locked l
	JOIN taken t ON t.alert_id = l.alert_id
	WHERE l.state IN ('breached', 'acknowledged')
	GROUP BY l.alert_id
), applied AS (
	UPDATE kpid.acknowledgement k
	SET pending = false,
		ended_at = CASE WHEN t.ends THEN clock_timestamp() ELSE k.ended_at END,
		ended_by = CASE WHEN t.ends THEN 'kpid' ELSE k.ended_by END,
		ended_why = CASE
			WHEN t.ends AND t.is_up THEN 'its time was up'
			WHEN t.ends THEN 'the alert was over'
			ELSE k.ended_why
		END
	FROM (
		SELECT t.ack_no, t.is_up, t.lasts AND (t.is_up OR l.state NOT IN ('breached', 'acknowledged')) AS ends
		FROM taken t
		JOIN locked l ON l.alert_id = t.alert_id
	) t
	WHERE k.ack_no = t.ack_no
), changed AS (
	UPDATE kpid.alert a
	SET revision = a.revision + 1, state = w.state
	FROM wanted w
	WHERE a.alert_id = w.alert_id AND (a.state <> w.state OR w.is_new)
	RETURNING a AS alert
)
SELECT kpid.publish_alert(c.alert) FROM changed c
