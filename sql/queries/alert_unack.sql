-- Takes an acknowledgement back. Returns the alert's id and its state now.
-- $1 alert: its id, or TICKET/TARGET/N, whose hash is the id
-- $2 by, $3 why
SELECT a.alert_id, report.unack_alert(a.alert_id, $2, $3) AS state
FROM (
	SELECT coalesce((SELECT t.alert_id FROM report.alert t WHERE t.alert_id = left(encode(sha256(convert_to($1, 'UTF8')), 'hex'), 32)), $1)
		AS alert_id
) a
