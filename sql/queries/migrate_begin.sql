-- First in every transaction of kpid migrate. Once the schema is kpid_owner's (0001), a member acts as that role,
-- so that what is made belongs to it. Others queue behind a lock that is waited for: not for longer than this.
SELECT
	set_config('lock_timeout', '30s', true),
	(
		SELECT set_config('role', r.rolname, true)
		FROM pg_catalog.pg_namespace n
		JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner
		WHERE n.nspname = 'kpid' AND r.rolname = 'kpid_owner' AND pg_has_role(r.oid, 'MEMBER')
	)
