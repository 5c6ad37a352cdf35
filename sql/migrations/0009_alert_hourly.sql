-- How good the alerts are: breaches by the hour at which they were seen, and how many of them late events took back.

CREATE VIEW report.alert_hourly AS
SELECT
	date_trunc('hour', a.detected_at, 'UTC') AS "time",
	a.project_id,
	a.target,
	count(*) AS breached,
	count(*) FILTER (WHERE a.state = 'voided') AS voided,
	count(*) FILTER (WHERE a.state = 'voided' AND a.delivery = 'queued') AS voided_sent,
	count(*) FILTER (WHERE a.unconfirmed) AS unconfirmed
FROM kpid.alert a
WHERE a.breached_at IS NOT NULL
GROUP BY 1, 2, 3;
COMMENT ON VIEW report.alert_hourly IS 'Breaches per hour of their detection, project and target, and how many of them were false alarms. Warnings do not count.';
COMMENT ON COLUMN report.alert_hourly."time" IS 'Start of the hour (UTC) in which they were seen.';
COMMENT ON COLUMN report.alert_hourly.project_id IS 'Project of the ticket at the breach; NULL: none.';
COMMENT ON COLUMN report.alert_hourly.target IS 'first_response, next_response, arrival or resolution.';
COMMENT ON COLUMN report.alert_hourly.breached IS 'Breaches, with those that were taken back.';
COMMENT ON COLUMN report.alert_hourly.voided IS 'False alarms: breaches that are none any more, because a proof arrived late or other policies were applied.';
COMMENT ON COLUMN report.alert_hourly.voided_sent IS 'Of these, those that were sent (report.alert: queued or sent).';
COMMENT ON COLUMN report.alert_hourly.unconfirmed IS 'Breaches that were told although a silent source had not confirmed them.';

-- The list of objects, whatever it has become, and this one.
DO $readme$
BEGIN
	EXECUTE format(
		'CREATE OR REPLACE VIEW report.readme AS %s UNION ALL SELECT %L, %L, %L, %L',
		rtrim(pg_get_viewdef('report.readme'::regclass), ';'),
		'report.alert_hourly', 'hour × project × target', 'time',
		'SELECT sum(voided) AS false_alarms, sum(breached) AS breaches FROM report.alert_hourly WHERE time >= now() - interval ''7 days''');
END
$readme$;
