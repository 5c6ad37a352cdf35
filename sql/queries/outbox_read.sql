-- The oldest messages that are to be sent.
SELECT seq, key, payload
FROM kpid.outbox
ORDER BY seq
LIMIT 500
