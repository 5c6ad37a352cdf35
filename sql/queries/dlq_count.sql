-- How many dead letters dlq_list.sql could list.
-- $1 reason, $2 topic: NULL: any
SELECT count(*) AS n
FROM report.dead_letter d
WHERE ($1::text IS NULL OR d.reason = $1) AND ($2::text IS NULL OR d.topic = $2)
