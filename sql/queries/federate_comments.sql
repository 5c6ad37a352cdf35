-- The comments of the schema report as statements for a coordinator, which has all of its views but one.
SELECT format('COMMENT ON %s IS %L;',
	CASE
		WHEN d.objsubid > 0 THEN format('COLUMN report.%I.%I', c.relname, a.attname)
		ELSE format('VIEW report.%I', c.relname)
	END, d.description) AS statement
FROM pg_description d
JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
WHERE c.relnamespace = 'report'::regnamespace AND c.relkind = 'v' AND c.relname <> 'group_card'
ORDER BY c.relname, d.objsubid
