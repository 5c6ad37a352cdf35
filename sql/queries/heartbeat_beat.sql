-- Vouches for all partitions that name this heartbeat, except some. Comes first in its transaction, so that a session that waits
-- for this row holds no partition.
-- $1 heartbeat_no
-- $2 complete_until: NULL: no partition was seen at its end
-- $3 except_nos, $4 except_until
UPDATE kpid.heartbeat
SET complete_until = kpid.not_ahead(complete_until, clock_timestamp(), $2),
	except_nos = nullif($3::integer[], '{}'),
	except_until = nullif($4::timestamptz[], '{}'),
	beat_at = clock_timestamp()
WHERE heartbeat_no = $1::bigint
