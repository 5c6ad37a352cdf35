-- One dead letter in full. headers: [name, value in base64], …
-- $1 letter_no
SELECT d.reason, d.detail, d.value, d.headers::text, d.read_at, d.requeued_at, d.mapping, d.mapping_version
FROM kpid.dead_letter d
WHERE d.letter_no = $1::bigint
