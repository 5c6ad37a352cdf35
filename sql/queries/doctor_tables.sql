-- Tables with too many dead rows, tables whose updates are not HOT, tables without autovacuum.
-- $1 dead_rows, $2 dead_ratio: a table exceeds both
-- $3 updates: fewest updates that count
-- $4 hot_ratio: lowest share of HOT updates
SELECT 'warn' AS level,
	'kpid.' || s.relname || ' has ' || s.n_dead_tup || ' dead rows beside ' || s.n_live_tup || ' live ones; autovacuum ran '
		|| coalesce('last on ' || to_char(s.last_autovacuum AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), 'never') AS what,
	'VACUUM (ANALYZE) kpid.' || s.relname || '; see what holds it back under "sessions", else lower autovacuum_vacuum_scale_factor of the table' AS advice
FROM pg_stat_user_tables s
WHERE s.schemaname = 'kpid' AND s.n_dead_tup > $1::bigint AND s.n_dead_tup > s.n_live_tup * $2::numeric
UNION ALL
SELECT 'warn',
	'only ' || round(100.0 * s.n_tup_hot_upd / s.n_tup_upd, 1) || ' % of the updates of kpid.' || s.relname || ' are HOT',
	'drop indexes that kpid did not create on it; if there are none, vacuum it more often'
FROM pg_stat_user_tables s
WHERE s.schemaname = 'kpid' AND s.relname IN ('ticket', 'agent_kpi_5m')
	AND s.n_tup_upd >= $3::bigint AND s.n_tup_hot_upd < s.n_tup_upd * $4::numeric
UNION ALL
SELECT 'warn', 'autovacuum is switched off for kpid.' || c.relname,
	'ALTER TABLE kpid.' || c.relname || ' RESET (autovacuum_enabled)'
FROM pg_class c
WHERE c.relnamespace = 'kpid'::regnamespace AND 'autovacuum_enabled=false' = ANY (c.reloptions)
