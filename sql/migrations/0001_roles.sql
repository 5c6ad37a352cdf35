-- The roles and schemas of kpid.
--
-- These are group roles, shared by all databases of the cluster. None of them can log in. An administrator grants them:
-- GRANT kpid_writer TO <the daemon's role>; GRANT kpid_reader TO <the role of a BI tool>.
--
-- kpid_owner owns everything. kpid migrate switches to it for all later migrations, so it does not matter who runs them.

DO $roles$
DECLARE
	r record;
BEGIN
	FOR r IN
		SELECT *
		FROM (
			VALUES
				('kpid_owner', 'Owns the schemas of kpid. Migrations are run by a member or a superuser.'),
				('kpid_writer', 'Rights of the kpid daemon: reads and writes rows, no DDL.'),
				('kpid_reader', 'May read the schema report of kpid, and nothing else.'),
				('kpid_operator', 'May read the schema report of kpid, acknowledge alerts and silence them.')
		) AS role (name, meaning)
		WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = role.name)
	LOOP
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', r.name);
			EXECUTE format('COMMENT ON ROLE %I IS %L', r.name, r.meaning);
		EXCEPTION
			WHEN duplicate_object OR unique_violation THEN
				NULL; -- the migration of another database was faster
			WHEN insufficient_privilege THEN
				RAISE EXCEPTION 'the role % does not exist, and % may not create it; as a superuser: CREATE ROLE % NOLOGIN',
					r.name, current_user, r.name;
		END;
	END LOOP;
	-- Only a member of the new owner may change an owner.
	IF NOT (SELECT p.rolsuper FROM pg_catalog.pg_roles p WHERE p.rolname = current_user) THEN
		BEGIN
			EXECUTE format('GRANT kpid_owner TO %I', current_user);
		EXCEPTION
			WHEN insufficient_privilege THEN
				NULL; -- already a member; if not, the next statement fails with a clear error
			WHEN unique_violation THEN
				NULL; -- the migration of another database was faster
		END;
	END IF;
END
$roles$;

CREATE SCHEMA IF NOT EXISTS kpid;
COMMENT ON SCHEMA kpid IS 'Private to kpid: may change with any version. Read from the schema report instead.';
CREATE SCHEMA IF NOT EXISTS report;
COMMENT ON SCHEMA report IS 'Public interface of kpid: help-desk tickets, KPIs and SLA breaches. Start with SELECT * FROM report.readme.';

-- The table first, then the schemas: without the schema the migrating role could no longer reach the table.
GRANT USAGE, CREATE ON SCHEMA kpid, report TO kpid_owner;
ALTER TABLE kpid.migration OWNER TO kpid_owner;
ALTER SCHEMA kpid OWNER TO kpid_owner;
ALTER SCHEMA report OWNER TO kpid_owner;
