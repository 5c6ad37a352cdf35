-- The alerts with the given ids, as an array for alert_put.sql. Only these are written, because each write is published.
-- $1 rows, $2 alert_ids
SELECT array_agg(a ORDER BY a.alert_id) AS alerts
FROM unnest($1::kpid.alert[]) a
WHERE a.alert_id = ANY ($2::text[])
