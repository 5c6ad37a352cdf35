-- The rejected messages that were read from a place: one, unless the topic was made anew.
SELECT d.letter_no
FROM kpid.dead_letter d
WHERE d.topic = $1 AND d.partition = $2::integer AND d."offset" = $3::bigint
ORDER BY d.letter_no
