-- Which of the receivers $1 are to get something now. Looked up one by one: of a receiver that does not take anything, a lot may
-- wait for its time.
SELECT r.receiver
FROM unnest($1::text[]) AS r (receiver)
CROSS JOIN LATERAL (
	SELECT
	FROM kpid.delivery d
	WHERE d.receiver = r.receiver AND d.state = 'pending' AND d.next_at <= statement_timestamp()
	LIMIT 1
) d
