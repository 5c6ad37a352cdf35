-- Alerts that were kept back by silences which are over: what still lasts is sent now. They are looked at when a silence
-- has ended since the last time, and when $1 says so. Returns whether one has ended.
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
	SELECT kpid.tell(c.alert) FROM changed c
)
SELECT EXISTS (SELECT FROM ended), (SELECT count(*) FROM sent)
