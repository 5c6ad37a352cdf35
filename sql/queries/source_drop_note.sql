-- Adds the events that a page of tickets has lost to the record of the removal, in the transaction of that page.
-- $1 drop_no, $2 n_tickets, $3 n_emptied
-- $4 source_nos, $5 ns_events
WITH place AS (
	SELECT * FROM unnest($4::integer[], $5::bigint[]) AS p (source_no, n_events)
), noted AS (
	UPDATE kpid.source_drop
	SET n_tickets = n_tickets + $2::bigint,
		n_emptied = n_emptied + $3::bigint,
		n_events = n_events + (SELECT sum(p.n_events)::bigint FROM place p)
	WHERE drop_no = $1::bigint
)
INSERT INTO kpid.source_drop_place AS d (drop_no, source_no, n_events)
SELECT $1::bigint, p.source_no, p.n_events
FROM place p
ON CONFLICT (drop_no, source_no) DO UPDATE SET n_events = d.n_events + EXCLUDED.n_events
