-- The row types that rows are sent as, in the order of enum pg_row_type.
SELECT
	'kpid.ticket'::regtype::oid,
	'kpid.past_cycle'::regtype::oid,
	'kpid.agent_kpi_5m'::regtype::oid,
	'kpid.agent_backlog'::regtype::oid,
	'kpid.sla_clock'::regtype::oid,
	'kpid.alert'::regtype::oid,
	'kpid.dead_letter'::regtype::oid
