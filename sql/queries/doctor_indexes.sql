-- Indexes that are invalid or not ready.
SELECT 'fail' AS level, 'the index ' || i.indexrelid::regclass || ' is invalid' AS what,
	'REINDEX INDEX CONCURRENTLY ' || i.indexrelid::regclass AS advice
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'kpid'::regnamespace AND NOT (i.indisvalid AND i.indisready)
