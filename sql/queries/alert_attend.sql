-- Acknowledgements whose time is up: the alert is raised again. And alerts that were kept back by a silence which is over:
-- what still lasts is sent now. Rows in the order of their keys.
WITH ended AS (
	UPDATE kpid.acknowledgement k
	SET ended_at = clock_timestamp(), ended_by = 'kpid', ended_why = 'its time was up'
	WHERE k.ended_at IS NULL AND k.fires_again_at <= clock_timestamp()
	RETURNING k.alert_id
), few AS MATERIALIZED (
	SELECT alert_id FROM ended
	UNION
	SELECT alert_id FROM kpid.alert WHERE delivery = 'silenced'
), attended AS (
	SELECT a.alert_id
	FROM kpid.alert a
	WHERE a.alert_id = ANY (ARRAY(SELECT f.alert_id FROM few f))
		AND (
			(a.alert_id IN (SELECT e.alert_id FROM ended e) AND a.state = 'acknowledged')
			OR (a.delivery = 'silenced' AND NOT kpid.is_silenced(a.project_id, a.target, clock_timestamp()))
		)
	ORDER BY a.alert_id
	FOR UPDATE
), changed AS (
	UPDATE kpid.alert a
	SET revision = a.revision + 1,
		state = CASE WHEN a.state = 'acknowledged' AND a.alert_id IN (SELECT e.alert_id FROM ended e) THEN 'breached' ELSE a.state END,
		delivery = CASE
			WHEN a.delivery <> 'silenced' THEN a.delivery
			WHEN a.state IN ('warning', 'breached', 'acknowledged') THEN 'queued'
			ELSE 'over'
		END
	FROM attended t
	WHERE a.alert_id = t.alert_id
	RETURNING a AS alert
)
SELECT kpid.tell(c.alert) FROM changed c
