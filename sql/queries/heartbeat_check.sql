-- How many partitions name a heartbeat, and the sum of their epochs, so that the owner notices a claim by another instance.
-- n_left: of the exceptions, those that still name it. now: PostgreSQL's clock.
-- $1 heartbeat_no, $2 except_nos
SELECT
	count(*) FILTER (WHERE p.source_no <> ALL ($2::integer[])) AS n_vouched,
	coalesce(sum(p.epoch) FILTER (WHERE p.source_no <> ALL ($2::integer[])), 0)::bigint AS epochs,
	count(*) FILTER (WHERE p.source_no = ANY ($2::integer[])) AS n_left,
	clock_timestamp() AS now
FROM kpid.source_partition p
WHERE p.heartbeat_no = $1::bigint AND p.state <> 'finished'
