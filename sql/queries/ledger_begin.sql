-- Where a refresh of the ledger begins: all tickets that a transaction from scan_from on has written are compared; NULL: all
-- tickets. The next refresh begins at scan_to. as_of: how far time is known, and all that was due is judged; NULL: not known.
-- The last columns are settings as stored; NULL: not stored.
SELECT
	s.generation,
	s.made_with,
	kpid.ledger_settings() AS settings,
	CASE WHEN s.scanned_to <= x.xmin AND x.xmin::text::bigint - s.scanned_to::text::bigint < 1000000000 THEN s.scanned_to::text::bigint END AS scan_from,
	x.xmin::text::bigint AS scan_to,
	pg_relation_size('kpid.ticket') / current_setting('block_size')::bigint AS n_blocks,
	clock_timestamp() AS began_at,
	nullif(least(
		(SELECT coalesce(min(kpid.not_ahead(k.complete_until, clock_timestamp())), clock_timestamp()) FROM kpid.source_known k WHERE k.state <> 'finished'),
		(SELECT min(c.fires_at) FROM ONLY kpid.sla_clock c)), '-infinity') AS as_of,
	(SELECT g.value FROM kpid.setting g WHERE g.name = 'appraisal.callback_within') AS callback_within,
	(SELECT g.value FROM kpid.setting g WHERE g.name = 'appraisal.repeat_within') AS repeat_within,
	(SELECT g.value FROM kpid.setting g WHERE g.name = 'appraisal.last_part') AS last_part,
	(SELECT g.value FROM kpid.setting g WHERE g.name = 'appraisal.parked_after') AS parked_after,
	(SELECT g.value FROM kpid.setting g WHERE g.name = 'appraisal.eased_after') AS eased_after
FROM kpid.ledger_state s
CROSS JOIN (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin) x
