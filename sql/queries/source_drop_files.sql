-- Forgets how far the files were read from which the removed events came, so that they can be ingested again.
-- $1 drop_no
WITH file AS MATERIALIZED (
	SELECT p.source_no
	FROM kpid.source_partition p
	JOIN kpid.source_drop_place d ON d.source_no = p.source_no
	WHERE d.drop_no = $1::bigint
		AND p.topic LIKE 'ingest:%'
	ORDER BY p.source_no
	FOR NO KEY UPDATE OF p
), used AS (
	DELETE FROM kpid.mapping_use u
	USING file f
	WHERE u.source_no = f.source_no
), skipped AS (
	DELETE FROM kpid.mapping_skip s
	USING file f
	WHERE s.source_no = f.source_no
)
UPDATE kpid.source_partition p
SET next_offset = NULL,
	last_fingerprint = NULL,
	checked_offset = NULL,
	checked_fingerprint = NULL,
	read_to = NULL,
	high_offset = NULL,
	held_since = NULL,
	last_event_at = NULL,
	complete_until = '-infinity',
	heartbeat_no = NULL,
	epoch = p.epoch + 1,
	state = 'finished',
	state_reason = NULL,
	n_messages = 0,
	n_duplicates = 0,
	n_tombstones = 0,
	n_passed_over = 0,
	n_unknown_type = 0,
	n_dead_letters = 0,
	unknown_type = NULL
FROM file f
WHERE p.source_no = f.source_no
RETURNING p.topic
