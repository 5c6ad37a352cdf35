-- Shards: databases that share the tickets (docs/shards.md).

-- The shard of a ticket: as shard_of_ticket() in daemon/core/shard/. Not hashtext(), which has 32 bits, and not md5, which is slower.
CREATE FUNCTION kpid.ticket_shard(ticket_id text, n_shards integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$
	SELECT ((hashtextextended(ticket_id COLLATE "C", 0) % n_shards + n_shards) % n_shards)::integer
$body$;
COMMENT ON FUNCTION kpid.ticket_shard(text, integer) IS 'The index of the shard that has the ticket, if tickets are shared by their hash.';
REVOKE ALL ON FUNCTION kpid.ticket_shard(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpid.ticket_shard(text, integer) TO kpid_writer;

-- A database that has read anything is whole: it is the only shard.
INSERT INTO kpid.setting
SELECT 'shard', '0 of 1 by ticket'
WHERE EXISTS (SELECT FROM kpid.source_partition);

ALTER TABLE kpid.source_partition ADD COLUMN n_passed_over bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE VIEW kpid.source_known AS
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
	p.released_at,
	p.n_passed_over
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
	CASE WHEN p.end_seen_at <= statement_timestamp() + interval '1 second' THEN p.end_seen_at END AS end_seen_at,
	p.n_passed_over
FROM kpid.source_known p;
COMMENT ON COLUMN report.data_freshness.n_passed_over IS 'Part of n_messages: of tickets that belong to other shards.';

-- What stays when a copy of a database becomes one of more shards. The sums follow by `kpid verify --repair`; the ledger is made again.
CREATE FUNCTION kpid.keep_shard(shard integer, n_shards integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	was text;
	was_index integer;
	was_count integer;
	n bigint;
	ticket_table text;
BEGIN
	LOCK TABLE kpid.source_partition IN EXCLUSIVE MODE;
	SELECT s.value INTO was FROM kpid.setting s WHERE s.name = 'shard';
	IF was IS NULL OR was NOT LIKE '% by ticket' THEN
		RAISE EXCEPTION 'the database is shard %; only shards by ticket can be divided', coalesce(was, 'of nothing: no daemon has read into it')
			USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	was_index := split_part(was, ' ', 1)::integer;
	was_count := split_part(was, ' ', 3)::integer;
	IF n_shards % was_count <> 0 OR n_shards = was_count OR shard NOT BETWEEN 0 AND n_shards - 1 OR shard % was_count <> was_index THEN
		RAISE EXCEPTION 'shard % cannot become shard % of %: its tickets are not there', was, shard, n_shards
			USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = format('The count must be a multiple of %s, and the index must be %s plus a multiple of %1$s.', was_count, was_index);
	END IF;
	-- A daemon holds leases; a copy has those of the original, whose sessions are not here.
	IF EXISTS (SELECT FROM kpid.lease l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()) THEN
		RAISE EXCEPTION 'a daemon is connected to this database; stop it first' USING ERRCODE = 'object_in_use';
	END IF;

	FOREACH ticket_table IN ARRAY ARRAY['acknowledgement', 'delivery', 'notification', 'outbox'] LOOP
		EXECUTE format('DELETE FROM kpid.%I t USING kpid.alert a WHERE a.alert_id = t.alert_id AND kpid.ticket_shard(a.ticket_id, $1) <> $2',
			ticket_table) USING n_shards, shard;
	END LOOP;
	FOREACH ticket_table IN ARRAY ARRAY['alert', 'parked_event', 'parked_ticket', 'past_cycle', 'sla_clock'] LOOP
		EXECUTE format('DELETE FROM kpid.%I t WHERE kpid.ticket_shard(t.ticket_id, $1) <> $2', ticket_table) USING n_shards, shard;
	END LOOP;
	DELETE FROM kpid.ticket t WHERE kpid.ticket_shard(t.ticket_id, n_shards) <> shard;
	GET DIAGNOSTICS n = ROW_COUNT;

	-- What names no ticket stays in the shard that keeps its index.
	IF shard <> was_index THEN
		TRUNCATE kpid.dead_letter, kpid.mapping_use, kpid.mapping_skip, kpid.repair;
		UPDATE kpid.source_partition SET n_messages = 0, n_duplicates = 0, n_tombstones = 0, n_unknown_type = 0, n_dead_letters = 0,
			n_passed_over = 0, unknown_type = NULL;
	END IF;

	TRUNCATE kpid.ledger, kpid.ledger_item, kpid.ledger_ticket, kpid.ledger_solved, kpid.ledger_repeat_due, kpid.ledger_5m,
		kpid.group_kpi_5m, kpid.backlog_change, kpid.backlog_5m, kpid.ledger_month, kpid.ledger_month_change, kpid.ledger_item_month,
		kpid.ledger_item_month_change, kpid.ledger_reach, kpid.ledger_reach_change;
	UPDATE kpid.ledger_state SET generation = generation + 1, scanned_to = NULL, refreshed_at = NULL, as_of = NULL;
	UPDATE kpid.setting SET value = format('%s of %s by ticket', shard, n_shards) WHERE name = 'shard';
	DELETE FROM kpid.setting WHERE name = 'kafka.group.id';
	RETURN n;
END
$body$;
COMMENT ON FUNCTION kpid.keep_shard(integer, integer) IS 'Deletes the tickets of other shards from a copy of a database, and makes it the named shard. Returns how many tickets are gone.';
REVOKE ALL ON FUNCTION kpid.keep_shard(integer, integer) FROM PUBLIC;
