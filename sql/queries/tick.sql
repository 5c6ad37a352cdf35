-- What time it is, the next deadline, and how far each source is complete. heard: whether it was heard of within
-- the longest silence ($1, microseconds). One row per source that is not finished; one with NULLs if none is. attend: somebody
-- has acted on an alert, and its row does not show it yet.
SELECT
	c.now,
	(SELECT min(fires_at) FROM ONLY kpid.sla_clock) AS next_deadline,
	s.source_no,
	kpid.not_ahead(s.complete_until, c.now) AS complete_until,
	s.seen_at > c.now - $1::bigint * interval '1 microsecond' AS heard,
	EXISTS (SELECT FROM kpid.acknowledgement k WHERE k.pending) AS attend
FROM (SELECT clock_timestamp() AS now) c
LEFT JOIN kpid.source_partition s ON s.state <> 'finished'
