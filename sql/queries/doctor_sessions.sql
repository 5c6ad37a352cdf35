-- Sessions, prepared transactions and replication slots that hold back vacuum or writers.
-- $1 age_s: shortest transaction that counts
SELECT 'warn' AS level,
	'the session ' || a.pid || coalesce(' of ' || a.usename, '') || coalesce(' (' || nullif(a.application_name, '') || ')', '') || ' has been in a transaction for '
		|| round(extract(epoch FROM clock_timestamp() - a.xact_start)) || ' s' || coalesce(', ' || a.state, '')
		|| '; vacuum cannot remove row versions since then, and each query for deadlines reads them' AS what,
	'end it, or SELECT pg_terminate_backend(' || a.pid || '); ALTER ROLE … SET idle_in_transaction_session_timeout, and statement_timeout, prevent it' AS advice
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
	AND clock_timestamp() - a.xact_start > $1::double precision * interval '1 second'
UNION ALL
SELECT 'warn', 'the prepared transaction ' || quote_literal(p.gid) || ' is open since ' || to_char(p.prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'),
	'COMMIT PREPARED or ROLLBACK PREPARED ' || quote_literal(p.gid)
FROM pg_prepared_xacts p
WHERE p.database = current_database() AND clock_timestamp() - p.prepared > $1::double precision * interval '1 second'
UNION ALL
SELECT 'warn', 'the replication slot ' || s.slot_name || ' is not in use and holds back vacuum', 'SELECT pg_drop_replication_slot(' || quote_literal(s.slot_name) || ') if it is no longer needed'
FROM pg_replication_slots s
WHERE NOT s.active AND (s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL)
UNION ALL
SELECT 'warn', 'this role sees only its own sessions', 'GRANT pg_read_all_stats TO ' || quote_ident(current_user)
WHERE NOT pg_has_role('pg_read_all_stats', 'USAGE')
	AND EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = current_database() AND a.usename <> current_user)
