-- Creates what migrations need before the first one. Several statements in one transaction.
CREATE SCHEMA IF NOT EXISTS kpid;
CREATE TABLE IF NOT EXISTS kpid.migration (
	version integer PRIMARY KEY CHECK (version > 0),
	name text NOT NULL,
	sha256 bytea NOT NULL,
	applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	applied_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE kpid.migration IS 'The files of sql/migrations that were applied here (kpid migrate up), each with its checksum.';
COMMENT ON COLUMN kpid.migration.version IS 'Number in the name of the file.';
COMMENT ON COLUMN kpid.migration.name IS 'Name of the file without number and ending.';
COMMENT ON COLUMN kpid.migration.sha256 IS 'SHA-256 of the text as it was applied.';
COMMENT ON COLUMN kpid.migration.applied_at IS 'When it was applied.';
COMMENT ON COLUMN kpid.migration.applied_by IS 'Role that was logged in.';
