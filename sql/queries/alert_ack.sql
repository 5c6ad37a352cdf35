-- Acknowledges an alert ($1: its id, or TICKET/TARGET/N, of which the id is a hash) for $2, because of $3; raised again
-- after $4 (NULL: never).
SELECT a.alert_id, report.ack_alert(a.alert_id, $2, $3, $4::interval)
FROM (
	SELECT coalesce((SELECT t.alert_id FROM report.alert t WHERE t.alert_id = left(encode(sha256(convert_to($1, 'UTF8')), 'hex'), 32)), $1)
		AS alert_id
) a
