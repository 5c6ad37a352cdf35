-- What all figures of this database were made with; NULL: no daemon has run on it yet.
SELECT
	(SELECT value FROM kpid.setting WHERE name = 'rules.version'),
	(SELECT value FROM kpid.setting WHERE name = 'kpi.fcr_window_us')::bigint
