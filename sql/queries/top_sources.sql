-- Input as a whole: what was read, what is still to read, how far all sources are complete.
SELECT
	(extract(epoch FROM statement_timestamp()) * 1000000)::bigint AS now_us,
	coalesce(sum(f.n_messages), 0)::bigint AS n_messages,
	sum(f.lag_messages) FILTER (WHERE f.state <> 'finished')::bigint AS lag_messages,
	min(f.complete_until) FILTER (WHERE f.state <> 'finished') AS complete_until,
	count(*) FILTER (WHERE f.state = 'stopped') AS n_stopped,
	count(*) FILTER (WHERE f.state = 'running') AS n_running,
	coalesce(sum(f.n_dead_letters), 0)::bigint AS n_dead_letters
FROM report.data_freshness f
