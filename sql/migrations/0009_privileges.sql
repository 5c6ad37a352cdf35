-- The rights of each role. Later migrations grant the rights on what they create.

REVOKE ALL ON SCHEMA kpid, report FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA kpid FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA report FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA kpid FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA report FROM PUBLIC;

-- With a temporary schema a role can shadow types of pg_catalog. Every function with its owner's rights guards against
-- that. In a database that holds only kpid, the right to create temporary tables is revoked as well. In a shared database
-- others may need it, and `kpid doctor` reports it.
DO $temporary$
BEGIN
	IF EXISTS (
		SELECT FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname NOT IN ('kpid', 'report', 'information_schema') AND n.nspname !~ '^pg_'
	) THEN
		RETURN;
	END IF;
	RESET ROLE; -- kpid_owner does not own the database
	BEGIN
		EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
	EXCEPTION WHEN insufficient_privilege THEN
		NULL;
	END;
	SET LOCAL ROLE kpid_owner;
END
$temporary$;

-- All roles read the schema report.
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

-- The daemon writes rows. It may not delete tickets, alerts, policy revisions, gaps, dead letters or the records of what
-- operators did.
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
