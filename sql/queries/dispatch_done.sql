-- Those alerts have been thought of; one that has changed again since has another revision and stays.
DELETE FROM kpid.notification n
USING unnest($1::text[], $2::integer[]) AS r (alert_id, revision), kpid.alert a
WHERE n.alert_id = r.alert_id AND a.alert_id = r.alert_id AND a.revision = r.revision
