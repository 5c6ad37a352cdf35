-- Dead letters of a reason that were not requeued yet. Read before the first one is sent: a message that fails again becomes a
-- dead letter of the same reason.
-- $1 reason
SELECT d.topic, d.partition, d."offset", d.letter_no
FROM kpid.dead_letter d
WHERE d.reason = $1 AND d.requeued_at IS NULL
ORDER BY d.topic, d.partition, d."offset", d.letter_no
