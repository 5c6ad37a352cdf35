-- Records repaired columns.
-- $1 by, $2 why
-- $3 tables, $4 keys, $5 columns, $6 was, $7 is_now
INSERT INTO kpid.repair (repaired_by, why, table_name, key, column_name, was, is_now)
SELECT $1::text, $2::text, r.table_name, r.key, r.column_name, r.was, r.is_now
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) AS r (table_name, key, column_name, was, is_now)
