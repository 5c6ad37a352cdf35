-- How far files were read whose name and first line are those of $1: a topic without the number that tells such files
-- apart. '/' is what follows '.'.
SELECT topic, next_offset, last_fingerprint
FROM kpid.source_partition
WHERE partition = 0
	AND (topic = $1::text OR (topic >= $1::text || '.' AND topic < $1::text || '/'))
ORDER BY topic
