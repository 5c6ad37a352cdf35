-- Deletes clocks that have stopped or move between the active and the idle table. Covers both tables.
-- The plan must look each clock up by its key, though the planner would rather read both tables whole while they seem small. The
-- arrays come from subqueries, which hide their length, and the conditions of the last line always hold: so it expects one clock.
-- $1 ticket_ids, $2 targets, $3 ns
DELETE FROM kpid.sla_clock c
USING unnest((SELECT $1::text[]), (SELECT $2::integer[]), (SELECT $3::integer[])) AS gone (ticket_id, target, n)
WHERE c.ticket_id = gone.ticket_id AND c.target = gone.target AND c.n = gone.n
	AND gone.target >= 0 AND gone.n > 0
