-- Who may do what. A later migration grants what it creates.

REVOKE ALL ON SCHEMA kpid, report FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA kpid FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA report FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA kpid FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA report FROM PUBLIC;

-- A temporary schema lets a role shadow types of pg_catalog. Every function that runs with its owner's rights guards
-- against that itself. In a database that holds nothing but kpid the right goes as well; in one that is shared, others
-- may need it, and `kpid doctor` names it.
DO $temporary$
BEGIN
	IF EXISTS (
		SELECT FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname NOT IN ('kpid', 'report', 'information_schema') AND n.nspname !~ '^pg_'
	) THEN
		RETURN;
	END IF;
	RESET ROLE; -- the database belongs to somebody else than kpid_owner
	BEGIN
		EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
	EXCEPTION WHEN insufficient_privilege THEN
		NULL;
	END;
	SET LOCAL ROLE kpid_owner;
END
$temporary$;

-- Everybody reads the report.
GRANT USAGE ON SCHEMA report TO kpid_reader, kpid_writer, kpid_operator;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO kpid_reader, kpid_writer, kpid_operator;
ALTER DEFAULT PRIVILEGES FOR ROLE kpid_owner IN SCHEMA report
	GRANT SELECT ON TABLES TO kpid_reader, kpid_writer, kpid_operator;
GRANT EXECUTE ON FUNCTION report.explain_ticket(text) TO kpid_reader, kpid_writer, kpid_operator;

-- Operators act on alerts.
GRANT EXECUTE ON FUNCTION
	report.ack_alert(text, text, text, interval), report.unack_alert(text, text, text),
	report.silence_alerts(timestamptz, text, text, text, text, timestamptz), report.end_silence(bigint)
	TO kpid_operator, kpid_writer;

-- The daemon writes rows. Rows that must stay may not be deleted: tickets, alerts, the policies that judged them, gaps,
-- dead letters, and the records of what people did.
GRANT USAGE ON SCHEMA kpid TO kpid_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA kpid TO kpid_writer;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA kpid TO kpid_writer;
GRANT INSERT ON kpid.policy_revision, kpid.repair TO kpid_writer;
GRANT UPDATE ON kpid.acknowledgement, kpid.silence TO kpid_writer;
GRANT INSERT, UPDATE ON
	kpid.setting, kpid.lease, kpid.source_partition, kpid.gap, kpid.ticket, kpid.alert, kpid.dead_letter, kpid.calendar,
	kpid.calendar_hours,
	kpid.delivery, kpid.recalculation
	TO kpid_writer;
GRANT INSERT, UPDATE, DELETE ON
	kpid.past_cycle, kpid.agent_kpi_5m, kpid.agent_backlog, kpid.sla_clock, kpid.sla_clock_idle, kpid.outbox,
	kpid.notification, kpid.parked_ticket
	TO kpid_writer;
GRANT INSERT, DELETE ON kpid.parked_event TO kpid_writer;
