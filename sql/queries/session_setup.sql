-- Oids of the row types that rows are sent as.
SELECT
	'kpid.ticket'::regtype::oid AS ticket,
	'kpid.past_cycle'::regtype::oid AS past_cycle,
	'kpid.agent_kpi_5m'::regtype::oid AS agent_kpi_5m,
	'kpid.agent_backlog'::regtype::oid AS agent_backlog,
	'kpid.sla_clock'::regtype::oid AS sla_clock,
	'kpid.alert'::regtype::oid AS alert,
	'kpid.dead_letter'::regtype::oid AS dead_letter,
	'kpid.ledger_part'::regtype::oid AS ledger_part
