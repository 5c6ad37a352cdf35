-- First part of what `kpid federate` writes: the roles and schemas of a coordinator, without what an earlier run made.
CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA public;
CREATE EXTENSION IF NOT EXISTS plproxy SCHEMA public;

DO $roles$
DECLARE
	r text;
BEGIN
	-- A daemon's database has the schema kpid. Its schema report must stay what it is.
	IF EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = 'kpid') THEN
		RAISE EXCEPTION 'this database is one of kpid: a coordinator needs a database of its own';
	END IF;
	FOREACH r IN ARRAY ARRAY['kpid_owner', 'kpid_reader', 'kpid_board', 'kpid_operator'] LOOP
		IF NOT EXISTS (SELECT FROM pg_roles k WHERE k.rolname = r) THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', r);
		END IF;
	END LOOP;
END
$roles$;

CREATE SCHEMA IF NOT EXISTS report AUTHORIZATION kpid_owner;
CREATE SCHEMA IF NOT EXISTS kpid_shards AUTHORIZATION kpid_owner;
REVOKE ALL ON SCHEMA report, kpid_shards FROM PUBLIC;
GRANT USAGE ON SCHEMA report TO kpid_reader, kpid_board, kpid_operator;
GRANT USAGE ON SCHEMA kpid_shards TO kpid_reader, kpid_board, kpid_operator;

-- Views of others that depend on these are in the way: then nothing changes.
DO $drop$
DECLARE
	v record;
BEGIN
	FOR v IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'report'::regnamespace AND c.relkind = 'v' ORDER BY c.oid DESC LOOP
		EXECUTE format('DROP VIEW report.%I', v.relname);
	END LOOP;
	FOR v IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace IN ('report'::regnamespace, 'kpid_shards'::regnamespace)
		ORDER BY p.oid DESC LOOP
		EXECUTE format('DROP FUNCTION %s', v.name);
	END LOOP;
	FOR v IN SELECT n.nspname FROM pg_namespace n WHERE n.nspname ~ '^kpid_shard_[0-9]+$' LOOP
		EXECUTE format('DROP SCHEMA %I CASCADE', v.nspname);
	END LOOP;
	FOR v IN SELECT s.srvname FROM pg_foreign_server s WHERE s.srvname ~ '^kpid_shard_[0-9]+$' OR s.srvname = 'kpid_shards' LOOP
		EXECUTE format('DROP SERVER %I CASCADE', v.srvname);
	END LOOP;
END
$drop$;
