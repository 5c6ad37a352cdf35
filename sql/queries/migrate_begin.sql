-- First statement of every transaction of kpid migrate, and again once it has the lock. Once the schema belongs to kpid_owner (0001), a member acts as that
-- role, so that new objects belong to it. lock_timeout: other sessions queue behind a lock that a migration waits for.
SELECT
	set_config('lock_timeout', '30s', true) AS lock_timeout,
	(
		SELECT set_config('role', r.rolname, true)
		FROM pg_catalog.pg_namespace n
		JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner
		WHERE n.nspname = 'kpid' AND r.rolname = 'kpid_owner' AND pg_has_role(r.oid, 'MEMBER')
	) AS role
