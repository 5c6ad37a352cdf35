-- Messages that are no event. One that is there already (read again after its row was written) stays as it is.
INSERT INTO kpid.dead_letter
SELECT * FROM unnest($1::kpid.dead_letter[])
ON CONFLICT DO NOTHING
