-- The time, the begin of today in the report's zone, and how far events are complete. lag_messages: of the sources whose lag is
-- known; lag_unknown: the number of the others.
SELECT
	statement_timestamp() AS now,
	date_trunc('day', statement_timestamp(), z.zone) AS midnight,
	z.zone AS time_zone,
	f.complete_until,
	CASE
		WHEN f.n_unknown > 0 OR f.n_sources = 0 THEN 'unknown'
		WHEN f.n_stopped > 0 OR f.complete_until < statement_timestamp() - interval '10 seconds' THEN 'behind'
		ELSE 'ok'
	END AS state,
	f.n_stopped AS stopped,
	f.lag_messages,
	f.lag_unknown
FROM (
	SELECT coalesce((SELECT s.value FROM report.setting s WHERE s.name = 'report.time_zone'), 'UTC') AS zone
) z
CROSS JOIN (
	SELECT
		count(*) AS n_sources,
		count(*) FILTER (WHERE d.complete_until IS NULL) AS n_unknown,
		min(d.complete_until) AS complete_until,
		count(*) FILTER (WHERE d.state = 'stopped') AS n_stopped,
		sum(d.lag_messages)::bigint AS lag_messages,
		count(*) FILTER (WHERE d.lag_messages IS NULL) AS lag_unknown
	FROM report.data_freshness d
	WHERE d.state <> 'finished'
) f
