-- Migrations mean the same whatever the session's own settings are, and take the time that they need.
SELECT
	set_config('search_path', 'pg_catalog, pg_temp', false),
	set_config('client_min_messages', 'warning', false),
	set_config('standard_conforming_strings', 'on', false),
	set_config('TimeZone', 'UTC', false),
	set_config('DateStyle', 'ISO, YMD', false),
	set_config('statement_timeout', '0', false),
	set_config('lock_timeout', '0', false)
