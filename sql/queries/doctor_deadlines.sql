-- Deadlines that passed more than $1 seconds ago and are not judged; alerts that were raised unconfirmed and last for $2 seconds.
SELECT 'warn' AS level,
	count(*) || ' deadlines have passed and are not judged, the oldest ' || round(extract(epoch FROM clock_timestamp() - min(c.fires_at))) || ' s ago' AS what,
	'they wait for sources that are behind or silent (see there); kpid gap retire TOPIC for one that is not read any more' AS advice
FROM ONLY kpid.sla_clock c
WHERE c.fires_at < clock_timestamp() - $1::double precision * interval '1 second'
HAVING count(*) > 0
UNION ALL
SELECT 'warn', count(*) || ' breaches were declared without news from every source, and still last',
	'bring the silent sources back: late proofs then void what was none'
FROM kpid.alert a
WHERE a.unconfirmed AND a.state IN ('breached', 'acknowledged') AND a.detected_at < clock_timestamp() - $2::double precision * interval '1 second'
HAVING count(*) > 0
