-- A partition whose messages wait behind those of others is not silent: its owner says that it was heard of.
COMMENT ON COLUMN kpid.source_partition.seen_at IS
	'When its owner last knew about it: read from it, saw that it was at its end, or had more of it to read behind others.';
COMMENT ON COLUMN report.data_freshness.seen_at IS
	'When its owner last read from it, saw that it was at its end, or had more of it to read behind others.';
