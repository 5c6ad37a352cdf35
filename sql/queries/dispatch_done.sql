-- Those alerts have been thought of, as they were at those revisions. One that has changed again since, or is being changed by
-- a transaction that has not ended, stays.
WITH done AS (
	SELECT n.alert_id
	FROM kpid.notification n
	JOIN unnest($1::text[], $2::integer[]) AS r (alert_id, revision) ON n.alert_id = r.alert_id AND n.revision = r.revision
	FOR UPDATE OF n SKIP LOCKED
)
DELETE FROM kpid.notification n
USING done
WHERE n.alert_id = done.alert_id
