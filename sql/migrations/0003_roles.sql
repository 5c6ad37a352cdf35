-- Who may do what. Three group roles, for all databases of the cluster; they do not log in. An administrator
-- grants them: GRANT kpid_writer TO <the daemon's role>; GRANT kpid_reader TO <a BI tool's role>.
--
-- Everything is owned by kpid_owner from here on: later migrations run as that role (kpid migrate sees to it),
-- so that it does not matter who migrates.

DO $roles$
DECLARE
	r record;
BEGIN
	FOR r IN
		SELECT *
		FROM (
			VALUES
				('kpid_owner', 'Owns the schemas of kpid. Who migrates is a member, or a superuser.'),
				('kpid_writer', 'What the daemon kpid needs: no DDL.'),
				('kpid_reader', 'May read the schema report of kpid, and nothing else.')
		) AS role (name, meaning)
		WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = role.name)
	LOOP
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', r.name);
			EXECUTE format('COMMENT ON ROLE %I IS %L', r.name, r.meaning);
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL; -- the migration of another database was faster
		END;
	END LOOP;
	-- To give something away, one must be a member of the role that takes it.
	IF NOT (SELECT p.rolsuper FROM pg_catalog.pg_roles p WHERE p.rolname = current_user) THEN
		BEGIN
			EXECUTE format('GRANT kpid_owner TO %I', current_user);
		EXCEPTION
			WHEN insufficient_privilege THEN
				NULL; -- a member already; if not, the next statement says so
			WHEN unique_violation THEN
				NULL; -- as above
		END;
	END IF;
END
$roles$;

-- Relations first, then schemas: so the migrating role never loses its way to what is left.
GRANT USAGE, CREATE ON SCHEMA kpid, report TO kpid_owner;
DO $owner$
DECLARE
	relation text;
	routine regprocedure;
BEGIN
	FOR relation IN
		SELECT format('%I.%I', n.nspname, c.relname)
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN ('kpid', 'report')
			AND c.relkind IN ('r', 'v') -- the sequences belong to their tables
			AND c.relowner <> 'kpid_owner'::regrole
	LOOP
		EXECUTE format('ALTER TABLE %s OWNER TO kpid_owner', relation);
	END LOOP;
	FOR routine IN
		SELECT p.oid
		FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname IN ('kpid', 'report') AND p.proowner <> 'kpid_owner'::regrole
	LOOP
		EXECUTE format('ALTER ROUTINE %s OWNER TO kpid_owner', routine);
	END LOOP;
END
$owner$;
ALTER SCHEMA kpid OWNER TO kpid_owner;
ALTER SCHEMA report OWNER TO kpid_owner;

SET LOCAL ROLE kpid_owner;

REVOKE ALL ON SCHEMA kpid, report FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA kpid FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA report FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA kpid FROM PUBLIC;

GRANT USAGE ON SCHEMA report TO kpid_reader, kpid_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO kpid_reader, kpid_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE kpid_owner IN SCHEMA report GRANT SELECT ON TABLES TO kpid_reader, kpid_writer;

-- What is never deleted may not be deleted: policies that judged, tickets, alerts, gaps, dead letters.
GRANT USAGE ON SCHEMA kpid TO kpid_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA kpid TO kpid_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA kpid TO kpid_writer;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA kpid TO kpid_writer;
GRANT INSERT ON kpid.policy_revision TO kpid_writer;
GRANT INSERT, UPDATE ON
	kpid.setting, kpid.source_partition, kpid.gap, kpid.ticket, kpid.alert, kpid.dead_letter
	TO kpid_writer;
GRANT INSERT, UPDATE, DELETE ON
	kpid.past_cycle, kpid.agent_kpi_5m, kpid.agent_backlog, kpid.sla_clock, kpid.outbox
	TO kpid_writer;
