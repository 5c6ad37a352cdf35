-- Tickets in a range of pages whose rows of the ledger are missing or old. Only row versions of transactions from scan_from on are
-- looked up: the difference of two transaction numbers is taken modulo 2^32. The lookup is a subquery for each of them, because a
-- join might read the whole ledger.
-- $1 from_page, $2 to_page: as row addresses, (N,0)
-- $3 scan_from: NULL: all
-- $4 generation
SELECT t.ticket_id
FROM kpid.ticket t
WHERE t.ctid >= $1::tid
	AND t.ctid < $2::tid
	AND ($3::bigint IS NULL OR ((t.xmin::text::bigint - $3::bigint) & 4294967295) < 2147483648)
	AND coalesce((SELECT l.rev FROM kpid.ledger_ticket l WHERE l.ticket_id = t.ticket_id AND l.generation >= $4::integer), 0) < t.rev
