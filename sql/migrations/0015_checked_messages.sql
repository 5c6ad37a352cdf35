-- A topic that is made anew and is as long as before within a moment gives its reader no sign: after a crash, too, a message
-- that was read from the log of before has to be looked for.
ALTER TABLE kpid.source_partition
	ADD COLUMN checked_offset bigint,
	ADD COLUMN checked_fingerprint bigint;

COMMENT ON COLUMN kpid.source_partition.checked_offset IS 'Of the latest message that was found in its place again after more had been read: up to there the log is one. NULL: last_fingerprint''s.';
COMMENT ON COLUMN kpid.source_partition.checked_fingerprint IS 'Of the message at checked_offset.';
