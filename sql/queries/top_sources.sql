-- All partitions together: messages read, lag, and the lowest watermark. lag_messages: of the partitions whose lag is known.
SELECT
	(extract(epoch FROM statement_timestamp()) * 1000000)::bigint AS now_us,
	coalesce(sum(f.n_messages), 0)::bigint AS n_messages,
	sum(f.lag_messages) FILTER (WHERE f.state <> 'finished')::bigint AS lag_messages,
	count(*) FILTER (WHERE f.state <> 'finished' AND f.lag_messages IS NULL) AS n_lag_unknown,
	min(f.complete_until) FILTER (WHERE f.state <> 'finished') AS complete_until,
	count(*) FILTER (WHERE f.state = 'stopped') AS n_stopped,
	count(*) FILTER (WHERE f.state = 'running') AS n_running,
	coalesce(sum(f.n_dead_letters), 0)::bigint AS n_dead_letters
FROM report.data_freshness f
