-- Waits, as any other reader would, until it sees an alert of :ticket in :state, and prints it. Queries every 5 ms.
SELECT set_config('demo.ticket', :'ticket', false), set_config('demo.state', :'state', false) \gset ignored_
DO $wait$
DECLARE
	give_up timestamptz := clock_timestamp() + interval '5 minutes';
BEGIN
	WHILE clock_timestamp() < give_up AND NOT EXISTS (
		SELECT
		FROM report.alert
		WHERE ticket_id = current_setting('demo.ticket') AND state = current_setting('demo.state')
	) LOOP
		PERFORM pg_sleep(0.005);
	END LOOP;
	PERFORM set_config('demo.seen_at', clock_timestamp()::text, false);
END
$wait$;
SELECT
	ticket_id || '/' || target || '/' || n,
	state,
	to_char(breached_at, 'HH24:MI:SS.MS'),
	to_char(detected_at, 'HH24:MI:SS.MS'),
	to_char(current_setting('demo.seen_at')::timestamptz, 'HH24:MI:SS.MS'),
	round(1000 * extract(epoch FROM current_setting('demo.seen_at')::timestamptz - breached_at)),
	floor(1000000 * extract(epoch FROM breached_at)),
	policy,
	coalesce(owner_at_breach, 'nobody'),
	coalesce(project_id, '-'),
	cause
FROM report.alert
WHERE ticket_id = :'ticket' AND state = :'state'
ORDER BY breached_at
LIMIT 1
