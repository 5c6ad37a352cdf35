-- Messages that the receiver has. An alert without further messages is sent.
WITH gone AS (
	DELETE FROM kpid.outbox
	WHERE seq = ANY ($1::bigint[])
	RETURNING alert_id, seq
)
UPDATE kpid.alert a
SET delivery = 'sent'
WHERE a.alert_id IN (SELECT alert_id FROM gone)
	AND a.delivery = 'queued'
	AND NOT EXISTS (
		SELECT FROM kpid.outbox o
		WHERE o.alert_id = a.alert_id AND o.seq <> ALL ($1::bigint[]))
