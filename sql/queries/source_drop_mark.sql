-- Gives tickets without events a rev that no other row reaches (2^30). So nobody who has read an earlier rev of such a row can take
-- a new row of the ticket, whose rev begins at 1, for the one that it has read.
-- $1 ticket_ids
WITH emptied AS (
	SELECT ticket_id
	FROM kpid.ticket
	WHERE ticket_id = ANY ($1::text[])
		AND history = '\x01'
		AND rev < 1073741824
	ORDER BY ticket_id
	FOR NO KEY UPDATE
)
UPDATE kpid.ticket t
SET rev = 1073741824
FROM emptied e
WHERE t.ticket_id = e.ticket_id
