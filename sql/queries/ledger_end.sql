-- Notes that a refresh has come to its end.
-- $1 generation, $2 scan_to, $3 began_at, $4 as_of
UPDATE kpid.ledger_state
SET scanned_to = $2::bigint::text::xid8,
	refreshed_at = $3::timestamptz,
	as_of = $4::timestamptz
WHERE generation = $1::integer
