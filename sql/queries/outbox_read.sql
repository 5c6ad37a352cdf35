-- The oldest messages to send.
SELECT seq, key, payload
FROM kpid.outbox
ORDER BY seq
LIMIT 500
