-- Messages that were rejected lately, by reason.
-- $1 within_s
SELECT 'warn' AS level,
	count(*) || ' messages were rejected as ' || d.reason || ' within ' || round($1::double precision / 60) || ' min, the last of ' || max(d.topic) AS what,
	'kpid dlq list --reason ' || d.reason || ' shows them; ' || CASE d.reason
		WHEN 'too_many' THEN 'their ticket is full: stop its senders, most likely robots that answer each other, or raise run.ticket_max_events, then kpid dlq requeue'
		ELSE 'correct the sender, then kpid dlq requeue'
	END AS advice
FROM kpid.dead_letter d
WHERE d.read_at > clock_timestamp() - $1::double precision * interval '1 second' AND d.requeued_at IS NULL
GROUP BY d.reason
ORDER BY count(*) DESC
