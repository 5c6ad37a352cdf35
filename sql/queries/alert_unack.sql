-- Takes an acknowledgement back ($1: the alert's id, or TICKET/TARGET/N), for $2, because of $3.
SELECT a.alert_id, report.unack_alert(a.alert_id, $2, $3)
FROM (
	SELECT coalesce((SELECT t.alert_id FROM report.alert t WHERE t.alert_id = left(encode(sha256(convert_to($1, 'UTF8')), 'hex'), 32)), $1)
		AS alert_id
) a
