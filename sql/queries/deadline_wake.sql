-- Wakes the deadline schedulers of other instances: clocks were written by a program that ends, or a deadline waits for what they
-- know of their partitions.
-- $1 instance: only if another instance reads partitions; NULL: in any case
SELECT pg_notify('kpid_deadline', '')
WHERE $1::text IS NULL
	OR EXISTS (SELECT FROM kpid.source_partition p WHERE p.state = 'running' AND p.owner <> $1::text)
