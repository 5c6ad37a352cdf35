-- Ends a silence now. Returns false if it had ended already.
-- $1 silence_no
SELECT report.end_silence($1::bigint) AS ended
