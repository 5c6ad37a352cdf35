-- The time, the next deadline, and one row per source that is not finished (one row of NULLs if there is none).
-- recently_seen: reported within the longest silence. actions_at: when alert_apply_acks.sql or silence_expire.sql has work.
-- parked_at: when the next retry of a parked ticket is due. parked_unsettled: parked tickets exist that PostgreSQL may accept.
-- Deadlines of parked tickets do not count.
-- $1 silence_us: longest silence
SELECT
	c.now,
	(
		SELECT k.fires_at
		FROM ONLY kpid.sla_clock k
		WHERE NOT EXISTS (SELECT FROM kpid.parked_ticket p WHERE p.ticket_id = k.ticket_id)
		ORDER BY k.fires_at
		LIMIT 1
	) AS next_deadline,
	s.source_no,
	kpid.not_ahead(s.complete_until, c.now) AS complete_until,
	s.seen_at > c.now - $1::bigint * interval '1 microsecond' AS recently_seen,
	least(
		CASE WHEN EXISTS (SELECT FROM kpid.acknowledgement k WHERE k.pending) THEN c.now END,
		(SELECT min(k.fires_again_at) FROM kpid.acknowledgement k WHERE k.ended_at IS NULL),
		(SELECT min(q.ends_at) FROM kpid.silence q WHERE NOT q.is_over)
	) AS actions_at,
	(SELECT min(p.next_at) FROM kpid.parked_ticket p) AS parked_at,
	EXISTS (SELECT FROM kpid.parked_ticket p WHERE p.reason <> 'refused') AS parked_unsettled
FROM (SELECT clock_timestamp() AS now) c
LEFT JOIN kpid.source_known s ON s.state <> 'finished'
