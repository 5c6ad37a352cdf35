-- What all figures of this database were made with; NULL: no daemon has run on it yet. And what no figure shows yet: tickets
-- that are set aside, and their events.
SELECT
	(SELECT value FROM kpid.setting WHERE name = 'rules.version'),
	(SELECT value FROM kpid.setting WHERE name = 'kpi.fcr_window_us')::bigint,
	(SELECT count(*) FROM kpid.parked_ticket),
	(SELECT coalesce(sum(n_events), 0)::bigint FROM kpid.parked_ticket)
