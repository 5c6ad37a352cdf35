-- Privileges that the daemon needs and this role lacks, and privileges that this role should not have. Sequences belong to
-- identity columns, and functions of triggers, need no privilege of their own.
WITH tables (name, wanted) AS (
	VALUES
		('setting', 'SELECT,INSERT,UPDATE'), ('lease', 'SELECT,INSERT,UPDATE'), ('source_partition', 'SELECT,INSERT,UPDATE'), ('gap', 'SELECT,INSERT,UPDATE'),
		('ticket', 'SELECT,INSERT,UPDATE'), ('alert', 'SELECT,INSERT,UPDATE'), ('dead_letter', 'SELECT,INSERT,UPDATE'),
		('policy_revision', 'SELECT,INSERT'), ('migration', 'SELECT'), ('past_cycle', 'SELECT,INSERT,UPDATE,DELETE'),
		('agent_kpi_5m', 'SELECT,INSERT,UPDATE,DELETE'), ('agent_backlog', 'SELECT,INSERT,UPDATE,DELETE'),
		('sla_clock', 'SELECT,INSERT,UPDATE,DELETE'), ('sla_clock_idle', 'SELECT,INSERT,UPDATE,DELETE'),
		('outbox', 'SELECT,INSERT,UPDATE,DELETE'), ('heartbeat', 'SELECT,INSERT,UPDATE,DELETE'),
		('calendar', 'SELECT,INSERT'), ('calendar_hours', 'SELECT,INSERT'), ('acknowledgement', 'SELECT,UPDATE'), ('silence', 'SELECT,UPDATE'),
		('notification', 'SELECT,INSERT,UPDATE,DELETE'), ('delivery', 'SELECT,INSERT,UPDATE'), ('repair', 'SELECT,INSERT'),
		('recalculation', 'SELECT,INSERT,UPDATE'), ('ledger_state', 'SELECT,UPDATE'),
		('mapping_use', 'SELECT,INSERT,UPDATE'), ('mapping_skip', 'SELECT,INSERT,UPDATE'),
		('ledger', 'SELECT,INSERT,UPDATE,DELETE'), ('ledger_item', 'SELECT,INSERT,UPDATE,DELETE'),
		('ledger_ticket', 'SELECT,INSERT,UPDATE,DELETE'), ('ledger_solved', 'SELECT,INSERT,UPDATE,DELETE'),
		('ledger_repeat_due', 'SELECT,INSERT,UPDATE,DELETE'), ('ledger_month', 'SELECT,INSERT,UPDATE,DELETE'),
		('ledger_month_change', 'SELECT,INSERT,DELETE'), ('ledger_item_month', 'SELECT,INSERT,UPDATE,DELETE'),
		('ledger_item_month_change', 'SELECT,INSERT,DELETE'), ('ledger_reach', 'SELECT,INSERT,UPDATE,DELETE'),
		('ledger_reach_change', 'SELECT,INSERT,DELETE')
), missing (what) AS (
	SELECT p.privilege || ' on kpid.' || t.name
	FROM tables t
	CROSS JOIN LATERAL unnest(string_to_array(t.wanted, ',')) AS p (privilege)
	JOIN pg_class c ON c.relname = t.name AND c.relnamespace = 'kpid'::regnamespace
	WHERE NOT has_table_privilege(c.oid, p.privilege)
	UNION ALL
	SELECT 'SELECT on report.' || c.relname
	FROM pg_class c
	WHERE c.relnamespace = 'report'::regnamespace AND c.relkind = 'v' AND NOT has_table_privilege(c.oid, 'SELECT')
	UNION ALL
	SELECT 'EXECUTE on ' || p.oid::regprocedure
	FROM pg_proc p
	WHERE p.pronamespace IN ('kpid'::regnamespace, 'report'::regnamespace) AND p.prorettype <> 'trigger'::regtype
		AND p.oid::regproc::text <> 'kpid.keep_shard' -- for owners, who divide a shard
		AND NOT has_function_privilege(p.oid, 'EXECUTE')
)
SELECT
	'fail' AS level,
	'the role ' || current_user || ' lacks ' || string_agg(what, ', ' ORDER BY what) AS what,
	'GRANT kpid_writer TO ' || quote_ident(current_user) || '; as a superuser, or kpid migrate up if kpid_writer itself lacks it' AS advice
FROM missing
HAVING count(*) > 0
UNION ALL
SELECT
	'warn',
	'everybody may create temporary tables and types in the database ' || current_database(),
	'REVOKE TEMPORARY ON DATABASE ' || quote_ident(current_database())
	|| ' FROM PUBLIC; and GRANT it to the roles that need it'
WHERE has_database_privilege('kpid_reader', current_database(), 'TEMPORARY')
UNION ALL
SELECT
	'warn',
	'the role ' || current_user || CASE WHEN r.rolsuper THEN ' is a superuser' ELSE ' may change tables, not only their rows' END,
	'let the daemon log in as a role that is a member of kpid_writer alone'
FROM pg_roles r
WHERE r.rolname = current_user
	AND (r.rolsuper OR has_schema_privilege('kpid', 'CREATE') OR has_schema_privilege('report', 'CREATE'))
