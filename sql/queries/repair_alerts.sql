-- Of the alerts $1 those with the ids $2: only they are written, for each write is told of.
SELECT array_agg(a ORDER BY a.alert_id)
FROM unnest($1::kpid.alert[]) a
WHERE a.alert_id = ANY ($2::text[])
