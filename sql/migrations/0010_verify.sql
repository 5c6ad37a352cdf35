-- What `kpid verify` compares with, and what it has mended.

CREATE FUNCTION kpid.row_difference(stored jsonb, expected jsonb)
RETURNS TABLE (column_name text, stored_value text, expected_value text)
LANGUAGE sql IMMUTABLE
AS $body$
	SELECT NULL, stored::text, expected::text
	WHERE stored IS NULL OR expected IS NULL
	UNION ALL
	SELECT c.key, c.value, expected ->> c.key
	FROM jsonb_each_text(stored) c
	WHERE expected IS NOT NULL AND c.value IS DISTINCT FROM expected ->> c.key
$body$;
COMMENT ON FUNCTION kpid.row_difference(jsonb, jsonb) IS 'The columns in which two rows differ. Of a row that is missing on one side one line without a column: the row that is there.';

CREATE TABLE kpid.repair (
	repair_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	repaired_at timestamptz NOT NULL DEFAULT now(),
	repaired_by text NOT NULL,
	role text NOT NULL DEFAULT session_user,
	why text NOT NULL,
	table_name text NOT NULL,
	key text NOT NULL,
	column_name text,
	was text,
	is_now text
);
COMMENT ON TABLE kpid.repair IS 'What kpid verify --repair has changed, a row per value, in the transaction that changed it. Never changed or deleted.';

CREATE VIEW report.repair AS
SELECT repair_no, repaired_at, repaired_by, role, why, table_name, key, column_name, was, is_now
FROM kpid.repair;
COMMENT ON VIEW report.repair IS 'One row per value that kpid verify --repair has changed.';
COMMENT ON COLUMN report.repair.repair_no IS 'Number, ascending.';
COMMENT ON COLUMN report.repair.repaired_at IS 'When; the same for all values of one repair.';
COMMENT ON COLUMN report.repair.repaired_by IS 'By whom, as they said.';
COMMENT ON COLUMN report.repair.role IS 'The role of the database that they had logged in as.';
COMMENT ON COLUMN report.repair.why IS 'Why, as they said.';
COMMENT ON COLUMN report.repair.table_name IS 'The table of the private schema kpid.';
COMMENT ON COLUMN report.repair.key IS 'The row: TICKET, TICKET/CYCLE, TICKET/TARGET/N, TIME/AGENT or AGENT.';
COMMENT ON COLUMN report.repair.column_name IS 'The column; NULL: the whole row, which was missing or too much.';
COMMENT ON COLUMN report.repair.was IS 'What was stored; NULL: nothing, or no row.';
COMMENT ON COLUMN report.repair.is_now IS 'What is stored now; NULL: nothing, or no row.';

-- The list of objects, whatever it has become, and this one.
DO $readme$
BEGIN
	EXECUTE format(
		'CREATE OR REPLACE VIEW report.readme AS %s UNION ALL SELECT %L, %L, %L, %L',
		rtrim(pg_get_viewdef('report.readme'::regclass), ';'),
		'report.repair', 'value that kpid verify --repair changed', 'repaired_at',
		'SELECT repaired_at, repaired_by, why, count(*) FROM report.repair GROUP BY repaired_at, repaired_by, why ORDER BY repaired_at');
END
$readme$;

REVOKE ALL ON FUNCTION kpid.row_difference(jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpid.row_difference(jsonb, jsonb) TO kpid_writer;
GRANT SELECT, INSERT ON kpid.repair TO kpid_writer;
