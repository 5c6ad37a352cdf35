-- A change that is not committed yet when its alert is being thought of must find its row left: it locks it, and raises
-- its revision.
ALTER TABLE kpid.notification ADD COLUMN revision integer NOT NULL DEFAULT 0;
ALTER TABLE kpid.notification ALTER COLUMN revision DROP DEFAULT;
COMMENT ON COLUMN kpid.notification.revision IS 'Of the alert, when it changed last.';

CREATE OR REPLACE FUNCTION kpid.tell(a kpid.alert) RETURNS void
LANGUAGE sql
AS $body$
	INSERT INTO kpid.outbox (alert_id, key, payload)
	SELECT (a).alert_id, concat_ws('/', (a).ticket_id, (a).target, (a).n), kpid.alert_message(a)
	WHERE (a).delivery = 'queued';
	INSERT INTO kpid.notification (alert_id, revision)
	SELECT (a).alert_id, (a).revision
	WHERE (a).delivery = 'queued'
	ON CONFLICT (alert_id) DO UPDATE SET revision = EXCLUDED.revision;
$body$;
