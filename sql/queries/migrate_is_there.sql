-- Whether the table of migrations exists. Reads the catalog: to_regclass() needs rights on the schema.
SELECT EXISTS (
	SELECT FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = 'kpid' AND c.relname = 'migration'
) AS found
