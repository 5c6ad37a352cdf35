-- Deadlines that have passed without a judgement, by PostgreSQL's clock, and alerts that are still unconfirmed. If all sources
-- are complete beyond a deadline, nothing but its judgement is missing.
-- $1 deadline_age_s, $2 unconfirmed_age_s
-- $3 is_behind: a backlog is read, so that deadlines wait for it
SELECT CASE WHEN l.n_complete > 0 THEN 'fail' ELSE 'warn' END AS level,
	l.n || ' deadlines have passed and are not judged, the oldest ' || round(extract(epoch FROM clock_timestamp() - l.oldest)) || ' s ago' AS what,
	CASE WHEN l.n_complete > 0
		THEN 'all sources are read beyond them: check in the log of kpid run that it is running and has all of its sessions (see "server")'
		ELSE 'they wait for sources that are behind or silent (see "sources"); kpid gap retire TOPIC retires one that is no longer read'
	END AS advice
FROM (
	SELECT count(*) AS n, min(c.fires_at) AS oldest, count(*) FILTER (WHERE c.fires_at < s.complete_until) AS n_complete
	FROM ONLY kpid.sla_clock c
	CROSS JOIN (
		SELECT min(coalesce(f.complete_until, '-infinity')) AS complete_until
		FROM report.data_freshness f
		WHERE f.state <> 'finished'
	) s
	WHERE c.fires_at < clock_timestamp() - $1::double precision * interval '1 second'
		AND NOT EXISTS (SELECT FROM kpid.parked_ticket p WHERE p.ticket_id = c.ticket_id)
) l
WHERE l.n > 0 AND (l.n_complete > 0 OR NOT $3::boolean)
UNION ALL
SELECT 'warn', count(*) || ' active breaches were declared while a source was silent',
	'bring the silent sources back: late events then void false breaches'
FROM kpid.alert a
WHERE a.unconfirmed AND a.state IN ('breached', 'acknowledged') AND a.detected_at < clock_timestamp() - $2::double precision * interval '1 second'
HAVING count(*) > 0
