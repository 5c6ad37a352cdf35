-- The row types that rows are sent as, in the order of enum pg_row_type. A writer that stands still in a
-- transaction, or waits for a lock, must not hold others up for ever.
SELECT
	'kpid.ticket'::regtype::oid,
	'kpid.past_cycle'::regtype::oid,
	'kpid.agent_kpi_5m'::regtype::oid,
	'kpid.agent_backlog'::regtype::oid,
	'kpid.sla_clock'::regtype::oid,
	'kpid.alert'::regtype::oid,
	'kpid.dead_letter'::regtype::oid
FROM set_config('idle_in_transaction_session_timeout', '60s', false) AS idle,
	set_config('lock_timeout', '5s', false) AS lock,
	set_config('jit', 'off', false) AS jit
