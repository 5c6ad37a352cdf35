-- Messages that were rejected in the last $1 seconds, by reason.
SELECT 'warn' AS level,
	count(*) || ' messages were rejected as ' || d.reason || ' within ' || round($1::double precision / 60) || ' min, the last of ' || max(d.topic) AS what,
	'kpid dlq list --reason ' || d.reason || ' shows them; mend who sends them, then kpid dlq requeue' AS advice
FROM kpid.dead_letter d
WHERE d.read_at > clock_timestamp() - $1::double precision * interval '1 second' AND d.requeued_at IS NULL
GROUP BY d.reason
ORDER BY count(*) DESC
