-- One rejected message with all that is known of it. headers: [name, value in base64], …
SELECT d.reason, d.detail, d.value, d.headers::text, d.read_at, d.requeued_at
FROM kpid.dead_letter d
WHERE d.letter_no = $1::bigint
