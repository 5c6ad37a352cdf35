-- What was rejected, and why? (each is stored with its bytes; kpid dlq show prints it)
SELECT reason, count(*), min(detail) AS "for example"
FROM report.dead_letter
GROUP BY reason
ORDER BY reason;
