-- What is left to read in all partitions, but for those that wait for somebody: at a gap, or for an open transaction to end.
-- $1 short_us: a partition whose lag is shorter does not count for n_lasting
SELECT
	(extract(epoch FROM statement_timestamp()) * 1000000)::bigint AS now_us,
	coalesce(sum(f.n_messages), 0)::bigint AS n_read,
	coalesce(sum(f.lag_messages) FILTER (WHERE f.waits_for_kpid), 0)::bigint AS n_left,
	coalesce(sum(f.lag_messages) FILTER (WHERE f.waits_for_kpid AND coalesce(f.lag_seconds * 1000000 >= $1::bigint, true)), 0)::bigint AS n_lasting,
	count(*) FILTER (WHERE f.waits_for_kpid AND f.lag_messages IS NULL) AS n_unknown,
	count(f.lag_messages) FILTER (WHERE f.waits_for_kpid) AS n_known
FROM (
	SELECT d.n_messages, d.lag_messages, d.lag_seconds, d.state = 'running' AND d.held_since IS NULL AS waits_for_kpid
	FROM report.data_freshness d
) f
