-- Ends silences that are over, and queues the alerts that they kept back and that are still active. Returns whether a silence
-- has ended.
-- $1 look: true: look for such alerts even if no silence has ended
WITH ended AS (
	UPDATE kpid.silence s
	SET is_over = true
	WHERE s.silence_no = ANY (ARRAY(
			SELECT e.silence_no
			FROM kpid.silence e
			WHERE NOT e.is_over AND e.ends_at <= clock_timestamp()
			ORDER BY e.silence_no
			FOR NO KEY UPDATE SKIP LOCKED
		))
	RETURNING s.silence_no
), locked AS MATERIALIZED (
	SELECT a.alert_id
	FROM kpid.alert a
	WHERE a.delivery = 'silenced'
		AND ($1::boolean OR EXISTS (SELECT FROM ended))
		AND NOT kpid.is_silenced(a.project_id, a.target, clock_timestamp())
	ORDER BY a.alert_id
	FOR NO KEY UPDATE SKIP LOCKED
), changed AS (
	UPDATE kpid.alert a
	SET revision = a.revision + 1,
		delivery = CASE WHEN a.state IN ('warning', 'breached', 'acknowledged') THEN 'queued' ELSE 'over' END
	FROM locked l
	WHERE a.alert_id = l.alert_id
	RETURNING a AS alert
), sent AS MATERIALIZED (
	SELECT kpid.publish_alert(c.alert) FROM changed c
)
SELECT EXISTS (SELECT FROM ended) AS ended, (SELECT count(*) FROM sent) AS n_sent
