-- Removes alerts that were routed to receivers, at the revision that was routed. Keeps those that have changed since, or that an
-- open transaction is changing.
-- $1 alert_ids, $2 revisions
WITH done AS (
	SELECT n.alert_id
	FROM kpid.notification n
	JOIN unnest($1::text[], $2::integer[]) AS r (alert_id, revision) ON n.alert_id = r.alert_id AND n.revision = r.revision
	FOR UPDATE OF n SKIP LOCKED
)
DELETE FROM kpid.notification n
USING done
WHERE n.alert_id = done.alert_id
