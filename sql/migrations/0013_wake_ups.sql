-- Idle instances wait for NOTIFY instead of asking again and again (daemon/adapters/pg/channels.h). Nothing is sent for a
-- statement that changes no row.

CREATE FUNCTION kpid.wake_up() RETURNS trigger
LANGUAGE plpgsql
AS $body$
BEGIN
	PERFORM pg_catalog.pg_notify(TG_ARGV[0], '');
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION kpid.wake_up() IS 'Sends NOTIFY on the channel that is the argument of the trigger: once per transaction, at its commit.';
REVOKE ALL ON FUNCTION kpid.wake_up() FROM PUBLIC;

-- Each change of an alert that is to be sent has a row here and one in kpid.notification.
CREATE TRIGGER wake_up AFTER INSERT ON kpid.outbox
	FOR EACH ROW EXECUTE FUNCTION kpid.wake_up('kpid_alert');
CREATE TRIGGER wake_up AFTER INSERT OR UPDATE ON kpid.acknowledgement
	FOR EACH ROW WHEN (NEW.pending) EXECUTE FUNCTION kpid.wake_up('kpid_action');
CREATE TRIGGER wake_up AFTER INSERT OR UPDATE ON kpid.silence
	FOR EACH ROW WHEN (NOT NEW.is_over) EXECUTE FUNCTION kpid.wake_up('kpid_action');
CREATE TRIGGER wake_up AFTER INSERT OR UPDATE ON kpid.setting
	FOR EACH ROW EXECUTE FUNCTION kpid.wake_up('kpid_action');
