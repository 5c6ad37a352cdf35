-- How many messages dlq_list.sql could list.
SELECT count(*)
FROM report.dead_letter d
WHERE ($1::text IS NULL OR d.reason = $1) AND ($2::text IS NULL OR d.topic = $2)
