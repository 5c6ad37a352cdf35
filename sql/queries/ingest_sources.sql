-- How far files with the same name and first line were read: the topic itself, and the topic with a number appended. ('/'
-- follows '.'.)
-- $1 topic
SELECT topic, next_offset, last_fingerprint
FROM kpid.source_partition
WHERE partition = 0
	AND (topic = $1::text OR (topic >= $1::text || '.' AND topic < $1::text || '/'))
ORDER BY topic
