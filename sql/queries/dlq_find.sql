-- Dead letters that were read from an offset, oldest first. More than one if the topic was recreated.
-- $1 topic, $2 partition, $3 offset
SELECT d.letter_no
FROM kpid.dead_letter d
WHERE d.topic = $1 AND d.partition = $2::integer AND d."offset" = $3::bigint
ORDER BY d.letter_no
