-- Open or paused tickets at the end of each 5 minutes in which that changed, of today and of the last such time before, as of the latest
-- refresh of the ledger.
SELECT
	b."time" + interval '5 minutes' AS until,
	b.backlog,
	s.refreshed_at
FROM report.ledger_status s
CROSS JOIN report.backlog_5m b
ORDER BY b."time"
