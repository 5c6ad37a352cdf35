-- Acknowledges an alert. Returns its id and its state now.
-- $1 alert: its id, or TICKET/TARGET/N, whose hash is the id
-- $2 by, $3 why
-- $4 again_after: interval after which the alert fires again; NULL: never
SELECT a.alert_id, report.ack_alert(a.alert_id, $2, $3, $4::interval) AS state
FROM (
	SELECT coalesce((SELECT t.alert_id FROM report.alert t WHERE t.alert_id = left(encode(sha256(convert_to($1, 'UTF8')), 'hex'), 32)), $1)
		AS alert_id
) a
