-- Topics that have brought no event, only messages of unknown types (rule E4). Columns as in the findings of kpid doctor, and
-- the topic.
-- $1 topics: empty: all that are still read
SELECT 'warn' AS level,
	t.topic || ' has brought no event: ' || t.n || CASE t.n WHEN 1 THEN ' message is' ELSE ' messages are' END
		|| ' of types that kpid does not know, such as ' || to_json(t.example) AS what,
	CASE
		WHEN k.name IS NULL THEN 'send the types that kpid knows, such as ticket.opened and ticket.closed (docs/events.md), or stop reading '
			|| t.topic
		WHEN t.example ~ '^["''].*["'']$' THEN 'send ' || k.name || ' without quotation marks: types are compared byte by byte'
		ELSE 'send ' || k.name || ', spelled exactly like this: types are compared byte by byte'
	END AS advice,
	t.topic
FROM (
	SELECT p.topic, sum(p.n_unknown_type) AS n,
		(array_agg(p.unknown_type ORDER BY p.committed_at DESC) FILTER (WHERE p.unknown_type IS NOT NULL))[1] AS example
	FROM kpid.source_partition p
	WHERE p.topic = ANY ($1::text[]) OR cardinality($1::text[]) = 0 AND p.state <> 'finished'
	GROUP BY p.topic
	HAVING sum(p.n_unknown_type) > 0
		AND sum(p.n_messages - p.n_tombstones - p.n_unknown_type - p.n_dead_letters - p.n_passed_over) = 0
) t
LEFT JOIN LATERAL (
	-- The type that was probably meant: equal in letters, ignoring case and other characters.
	SELECT n.name
	FROM unnest(kpid.history_names('types')) AS n (name)
	WHERE right(regexp_replace(lower(t.example), '[^a-z]', '', 'g'), length(regexp_replace(n.name, '[^a-z]', '', 'g')))
		= regexp_replace(n.name, '[^a-z]', '', 'g')
	LIMIT 1
) k ON true
ORDER BY t.topic
