-- What a requeue by reason takes: all that has not been requeued. Known before the first is sent, as what
-- comes back is a dead letter of the same reason again.
SELECT d.topic, d.partition, d."offset", d.letter_no
FROM kpid.dead_letter d
WHERE d.reason = $1 AND d.requeued_at IS NULL
ORDER BY d.topic, d.partition, d."offset", d.letter_no
