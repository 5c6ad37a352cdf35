-- One row per instance vouches for all of its idle partitions, so an idle instance writes one row, no matter how many it has. The lag
-- of a partition is shown only while it is known: its owner has looked at the end of the partition within 10 s.

CREATE TABLE kpid.heartbeat (
	heartbeat_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	instance text NOT NULL,
	complete_until timestamptz NOT NULL DEFAULT '-infinity',
	except_nos integer[],
	except_until timestamptz[],
	started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	beat_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 10);
COMMENT ON TABLE kpid.heartbeat IS 'Each session of an instance has one row, which vouches for the partitions that name it: their owner has seen them at their ends, with everything committed.';
COMMENT ON COLUMN kpid.heartbeat.instance IS 'The instance.';
COMMENT ON COLUMN kpid.heartbeat.complete_until IS 'All partitions that name this row were seen at their ends at this instant or later, except those in except_nos.';
COMMENT ON COLUMN kpid.heartbeat.except_nos IS 'Partitions that name this row and are no longer at their ends, or were not seen there. Usually NULL: they stop naming it at the same time, unless a lock prevents it.';
COMMENT ON COLUMN kpid.heartbeat.except_until IS 'For each of except_nos: when it was last seen at its end.';
COMMENT ON COLUMN kpid.heartbeat.beat_at IS 'When the row was last written.';
GRANT SELECT, INSERT, UPDATE, DELETE ON kpid.heartbeat TO kpid_writer;

ALTER TABLE kpid.source_partition
	ADD COLUMN heartbeat_no bigint REFERENCES kpid.heartbeat,
	ADD COLUMN end_seen_at timestamptz,
	ADD COLUMN released_at timestamptz;
COMMENT ON COLUMN kpid.source_partition.heartbeat_no IS 'The heartbeat that vouches for this partition as long as its epoch and next_offset stay: every change of these two clears it. NULL: none does.';
COMMENT ON COLUMN kpid.source_partition.end_seen_at IS 'When the brokers were last asked for high_offset. A heartbeat may know a later time.';
COMMENT ON COLUMN kpid.source_partition.released_at IS 'When its owner gave it up; NULL: it has not, or the partition was claimed since. A lost owner leaves NULL.';
COMMENT ON COLUMN kpid.source_partition.complete_until IS 'Event-time watermark: every event of this partition that happened before this instant has been read and committed. A heartbeat may know a later one: see kpid.source_known.';
COMMENT ON COLUMN kpid.source_partition.seen_at IS 'When the owner last had news of the partition: it read from it, saw its end, or queued more of it behind other partitions. A heartbeat may know a later time.';

CREATE FUNCTION kpid.vouched_until(complete_until timestamptz, except_nos integer[], except_until timestamptz[], source_no integer)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$
	SELECT coalesce(except_until[array_position(except_nos, source_no)], complete_until)
$body$;
COMMENT ON FUNCTION kpid.vouched_until(timestamptz, integer[], timestamptz[], integer) IS 'Until when a heartbeat vouches for a partition that names it.';
REVOKE ALL ON FUNCTION kpid.vouched_until(timestamptz, integer[], timestamptz[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpid.vouched_until(timestamptz, integer[], timestamptz[], integer) TO kpid_writer;

CREATE VIEW kpid.source_known AS
SELECT
	p.source_no,
	p.topic,
	p.partition,
	p.epoch,
	p.owner,
	p.state,
	p.state_reason,
	p.next_offset,
	p.high_offset,
	p.read_to,
	CASE WHEN p.complete_until <= t.latest THEN greatest(p.complete_until, v.until) ELSE coalesce(v.until, p.complete_until) END AS complete_until,
	CASE WHEN p.seen_at <= t.latest THEN greatest(p.seen_at, v.until) ELSE coalesce(v.until, p.seen_at) END AS seen_at,
	CASE WHEN p.end_seen_at <= t.latest THEN greatest(p.end_seen_at, v.until) ELSE coalesce(v.until, p.end_seen_at) END AS end_seen_at,
	p.held_since,
	p.last_event_at,
	p.claimed_at,
	p.committed_at,
	p.n_messages,
	p.n_duplicates,
	p.n_tombstones,
	p.n_unknown_type,
	p.n_dead_letters,
	p.unknown_type,
	p.released_at
FROM kpid.source_partition p
LEFT JOIN kpid.heartbeat h ON h.heartbeat_no = p.heartbeat_no
CROSS JOIN LATERAL (
	SELECT statement_timestamp() + interval '1 second' AS latest
) t
-- As kpid.vouched_until, which readers may not execute. A time that is ahead of the clock was written before the clock was set
-- back: it gives way to the other one.
LEFT JOIN LATERAL (
	SELECT coalesce(h.except_until[array_position(h.except_nos, p.source_no)], h.complete_until) AS until
) v ON v.until <= t.latest;
COMMENT ON VIEW kpid.source_known IS 'What is known about each partition, by its own row and by the heartbeat of its owner.';
GRANT SELECT ON kpid.source_known TO kpid_writer;

CREATE OR REPLACE VIEW report.data_freshness AS
SELECT
	p.topic,
	p.partition,
	p.state,
	p.state_reason,
	p.owner,
	p.next_offset,
	p.high_offset,
	CASE
		WHEN p.state <> 'finished' AND (p.owner = '' OR p.released_at IS NOT NULL
			OR p.end_seen_at IS NULL OR p.end_seen_at <= statement_timestamp() - interval '10 seconds') THEN NULL
		WHEN p.high_offset > greatest(p.next_offset, p.read_to) THEN p.high_offset - greatest(p.next_offset, p.read_to)
		WHEN p.high_offset <= greatest(p.next_offset, p.read_to) THEN 0
	END AS lag_messages,
	CASE
		WHEN p.state = 'finished' THEN 0
		WHEN p.complete_until = '-infinity' OR p.complete_until > statement_timestamp() + interval '1 second' THEN NULL
		ELSE greatest(extract(epoch FROM statement_timestamp()) - extract(epoch FROM p.complete_until), 0)
	END AS lag_seconds,
	CASE WHEN isfinite(p.complete_until) AND p.complete_until <= statement_timestamp() + interval '1 second' THEN p.complete_until END
		AS complete_until,
	p.last_event_at,
	p.seen_at,
	p.claimed_at,
	p.committed_at,
	p.n_messages,
	p.n_duplicates,
	p.n_tombstones,
	p.n_unknown_type,
	p.n_dead_letters,
	p.held_since,
	p.unknown_type,
	CASE WHEN p.end_seen_at <= statement_timestamp() + interval '1 second' THEN p.end_seen_at END AS end_seen_at
FROM kpid.source_known p;
COMMENT ON COLUMN report.data_freshness.lag_messages IS 'Messages still to read, including those of open transactions. NULL: unknown, because no instance owns the partition, the end was last looked at more than 10 s ago, or it was never seen. So a sum over partitions is "at least": count the NULLs.';
COMMENT ON COLUMN report.data_freshness.end_seen_at IS 'When the brokers were last asked for high_offset; NULL: never.';
UPDATE kpid.readme
SET example = 'SELECT topic, sum(lag_messages) AS lag_messages_at_least, count(*) - count(lag_messages) AS lag_unknown, max(lag_seconds) AS lag_seconds FROM report.data_freshness GROUP BY topic'
WHERE object = 'report.data_freshness';
