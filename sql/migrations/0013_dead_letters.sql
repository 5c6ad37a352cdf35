-- A topic that was made anew has other messages where those of the old one stood: a place alone names no message.
ALTER TABLE kpid.dead_letter
	DROP CONSTRAINT dead_letter_pkey,
	ADD COLUMN letter_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
CREATE UNIQUE INDEX dead_letter_message
ON kpid.dead_letter (topic, partition, "offset", sha256(value), coalesce(jsonb_hash_extended(headers, 0), 0));

COMMENT ON COLUMN kpid.dead_letter.letter_no IS 'Names the row. A message that is read again has one row; two messages of one place have two, unless they are the same bytes.';
COMMENT ON COLUMN report.dead_letter."offset" IS
	'Offset in the partition. A topic that was made anew may have two messages at one offset. A reserved word of SQL: write it in double quotes.';
