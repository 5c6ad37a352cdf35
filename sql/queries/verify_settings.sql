-- Settings that all figures depend on (NULL: no daemon has run yet), and the parked tickets and events that no figure includes.
SELECT
	(SELECT value FROM kpid.setting WHERE name = 'rules.version') AS rules_version,
	(SELECT value FROM kpid.setting WHERE name = 'kpi.fcr_window_us')::bigint AS fcr_window_us,
	(SELECT count(*) FROM kpid.parked_ticket) AS n_parked,
	(SELECT coalesce(sum(n_events), 0)::bigint FROM kpid.parked_ticket) AS n_parked_events
