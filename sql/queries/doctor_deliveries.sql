-- Receivers that fail, or that have answered that they are gone.
SELECT
	CASE d.state WHEN 'dropped' THEN 'warn' ELSE 'fail' END AS level,
	d.receiver || ': ' || count(*) || CASE d.state WHEN 'dropped' THEN ' alerts were not accepted' ELSE ' alerts could not be sent' END
		|| coalesce(': ' || max(d.last_error), '') AS what,
	'kpid alerts test ' || d.receiver AS advice
FROM report.alert_delivery d
WHERE d.state IN ('failing', 'dropped')
GROUP BY d.receiver, d.state
