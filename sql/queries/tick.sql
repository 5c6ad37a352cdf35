-- What time it is, the next deadline, and how far the sources are complete: all of them, and those alone that
-- were heard of lately ($1: the longest silence in microseconds). No running source: complete up to now.
SELECT
	clock_timestamp() AS now,
	(SELECT min(fires_at) FROM kpid.sla_clock WHERE fires_at IS NOT NULL) AS next_deadline,
	coalesce(min(complete_until), clock_timestamp()) AS complete_until,
	coalesce(min(complete_until) FILTER (WHERE seen_at > clock_timestamp() - $1::bigint * interval '1 microsecond'),
		clock_timestamp()) AS complete_until_of_heard
FROM kpid.source_partition
WHERE state <> 'finished'
