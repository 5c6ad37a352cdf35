-- The roles and schemas of kpid.
--
-- The roles are group roles for all databases of the cluster; none of them logs in. An administrator grants them:
-- GRANT kpid_writer TO <the daemon's role>; GRANT kpid_reader TO <the role of a BI tool>.
--
-- kpid_owner owns everything. From here on every migration runs as that role (kpid migrate switches to it), so it does
-- not matter who migrates.

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
	-- To give something away, one must be a member of the role that takes it.
	IF NOT (SELECT p.rolsuper FROM pg_catalog.pg_roles p WHERE p.rolname = current_user) THEN
		BEGIN
			EXECUTE format('GRANT kpid_owner TO %I', current_user);
		EXCEPTION
			WHEN insufficient_privilege THEN
				NULL; -- a member already; if not, the next statement fails and says so
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

-- The list of migrations goes first, then the schemas: the migrating role must not lose its way to what is left.
GRANT USAGE, CREATE ON SCHEMA kpid, report TO kpid_owner;
ALTER TABLE kpid.migration OWNER TO kpid_owner;
ALTER SCHEMA kpid OWNER TO kpid_owner;
ALTER SCHEMA report OWNER TO kpid_owner;
