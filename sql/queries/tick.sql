-- What time it is, the next deadline, and how far each source is complete. heard: whether it was heard of within
-- the longest silence ($1, microseconds). One row per source that is not finished; one with NULLs if none is. attend: somebody
-- has acted on an alert, and its row does not show it yet. parked: tickets that were set aside are to be tried again; unsettled:
-- there are such that are not known to be refused. Until they are written their deadlines do not count.
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
	s.seen_at > c.now - $1::bigint * interval '1 microsecond' AS heard,
	EXISTS (SELECT FROM kpid.acknowledgement k WHERE k.pending) AS attend,
	EXISTS (SELECT FROM kpid.parked_ticket p WHERE p.next_at <= c.now) AS parked,
	EXISTS (SELECT FROM kpid.parked_ticket p WHERE p.reason <> 'refused') AS unsettled
FROM (SELECT clock_timestamp() AS now) c
LEFT JOIN kpid.source_partition s ON s.state <> 'finished'
