-- Second statement of a session that uses the schema report only. read_only: it changes nothing even if its role could. No
-- statement takes longer than the limit.
-- $1 timeout_ms, $2 read_only
SELECT
	set_config('default_transaction_read_only', $2::text, false) AS read_only,
	-- Filters that are not given cost nothing only if each plan knows its parameters.
	set_config('plan_cache_mode', 'force_custom_plan', false) AS plan_cache_mode,
	set_config('statement_timeout', $1::text, false) AS statement_timeout,
	set_config('idle_in_transaction_session_timeout', '10s', false) AS idle_timeout
