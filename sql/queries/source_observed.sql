-- Updates what the owner knows about partitions: the time at which they were at their end, their high watermarks, how far they
-- were read, whether the owner has recently seen them, whether an open transaction holds them up, and whether its heartbeat
-- vouches for them from now on. Skips rows that a batch has locked: the batch brings newer values, and waiting here could
-- deadlock with it. Skips rows that hold a later answer of the brokers: the statement may be a late one of a lost session. Returns
-- the rows that were updated.
-- $1 source_nos, $2 epochs, $3 next_offsets
-- $4 at_end, $5 high_offsets, $6 read_to
-- $7 recently_seen: at the end, or waiting for a turn behind other partitions
-- $8 held
-- $9 asked_at: when the brokers were asked; NULL: unknown
-- $10 heartbeat_nos: NULL: as before. The greater number is the later one.
WITH still AS (
	SELECT p.source_no, mine.at_end, mine.high_offset, mine.read_to, mine.recently_seen, mine.held, mine.asked_at, mine.heartbeat_no
	FROM kpid.source_partition p
	JOIN unnest($1::integer[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::bigint[],
		$6::bigint[], $7::boolean[], $8::boolean[], $9::timestamptz[], $10::bigint[])
		AS mine (source_no, epoch, next_offset, at_end, high_offset, read_to, recently_seen, held, asked_at, heartbeat_no)
		ON p.source_no = mine.source_no
		AND p.epoch = mine.epoch
		AND p.next_offset IS NOT DISTINCT FROM mine.next_offset
		AND (mine.asked_at >= p.end_seen_at OR p.end_seen_at > clock_timestamp() + interval '1 second') IS NOT FALSE
	ORDER BY p.source_no
	FOR NO KEY UPDATE OF p SKIP LOCKED
)
UPDATE kpid.source_partition p
SET complete_until = kpid.not_ahead(p.complete_until, clock_timestamp(), still.at_end),
	high_offset = still.high_offset,
	read_to = coalesce(still.read_to, p.read_to),
	held_since = CASE WHEN still.held THEN coalesce(p.held_since, clock_timestamp()) END,
	seen_at = CASE WHEN still.recently_seen THEN clock_timestamp() ELSE p.seen_at END,
	end_seen_at = nullif(kpid.not_ahead(p.end_seen_at, clock_timestamp(), still.asked_at), '-infinity'),
	heartbeat_no = greatest(p.heartbeat_no, still.heartbeat_no)
FROM still
WHERE p.source_no = still.source_no
RETURNING p.source_no
