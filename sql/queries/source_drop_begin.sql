-- Records the begin of the removal of a source, or goes on with the one that has not ended.
-- $1 source, $2 dropped_by, $3 why
-- $4 reread: the topics of the source are to be read again
INSERT INTO kpid.source_drop AS d (source, dropped_by, why, reread)
VALUES ($1, $2, $3, $4::boolean)
ON CONFLICT (source) WHERE ended_at IS NULL DO UPDATE
SET reread = d.reread OR EXCLUDED.reread
RETURNING drop_no
