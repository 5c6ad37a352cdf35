-- The removal of a source that has begun and not ended.
-- $1 source
SELECT drop_no
FROM kpid.source_drop
WHERE source = $1 AND ended_at IS NULL
