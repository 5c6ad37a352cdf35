-- When the next notification of each receiver is due, in microseconds from now; 0: it is due. Looked up one by one: a failing
-- receiver may have many that wait for their retry.
-- $1 receivers
SELECT
	r.receiver,
	greatest(ceil(extract(epoch FROM d.next_at - statement_timestamp()) * 1000000), 0)::bigint AS in_us
FROM unnest($1::text[]) AS r (receiver)
CROSS JOIN LATERAL (
	SELECT d.next_at
	FROM kpid.delivery d
	WHERE d.receiver = r.receiver AND d.state = 'pending'
	ORDER BY d.next_at
	LIMIT 1
) d
