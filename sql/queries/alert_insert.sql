-- Inserts alerts of tickets that have no row yet and therefore no alert. Only those that are not sent, so nothing is published.
-- $1 rows
INSERT INTO kpid.alert
SELECT * FROM unnest($1::kpid.alert[])
