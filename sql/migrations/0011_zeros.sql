-- A measure that is 0 takes no room in kpid.agent_kpi_5m: it is NULL there, and 0 in the views. Most of the measures of a row
-- are 0. Rows written before keep their zeros, which mean the same.
ALTER TABLE kpid.agent_kpi_5m
	ALTER COLUMN first_response_working_us_sum DROP DEFAULT,
	ALTER COLUMN resolution_working_us_sum DROP DEFAULT,
	{{measures 28: ALTER COLUMN {column} DROP NOT NULL}};
COMMENT ON TABLE kpid.agent_kpi_5m IS 'Sums per agent and 5 minutes of UTC (rules K), in whole microseconds and millionths. NULL is 0. Agent '''' is nobody.';

CREATE OR REPLACE VIEW report.agent_kpi_5m AS
SELECT
	b."time",
	b.agent_id,
	{{measures 28: coalesce(b.{column}, 0){scale} AS {public}}}
FROM kpid.agent_kpi_5m b;

CREATE OR REPLACE VIEW report.agent_kpi_hourly AS
SELECT
	h.starts AS "time",
	k.agent_id,
	{{measures 28: k.{public}}}
FROM (
	SELECT date_trunc('hour', min(b."time"), 'UTC') AS first, max(b."time") AS last
	FROM kpid.agent_kpi_5m b
) span
CROSS JOIN LATERAL generate_series(span.first, span.last, interval '1 hour') AS h (starts)
CROSS JOIN LATERAL (
	SELECT
		b.agent_id,
		{{measures 28: coalesce(sum(b.{column}), 0){scale} AS {public}}}
	FROM kpid.agent_kpi_5m b
	WHERE b."time" >= h.starts AND b."time" < h.starts + interval '1 hour'
	GROUP BY b.agent_id
) k;

CREATE OR REPLACE VIEW report.agent_kpi_daily AS
SELECT
	d.starts AS "time",
	k.agent_id,
	{{measures 28: k.{public}}}
FROM (
	SELECT coalesce((SELECT s.value FROM kpid.setting s WHERE s.name = 'report.time_zone'), 'UTC') AS zone
) z
CROSS JOIN (
	SELECT min(b."time") AS first, max(b."time") AS last
	FROM kpid.agent_kpi_5m b
) span
CROSS JOIN LATERAL generate_series(
	date_trunc('day', span.first AT TIME ZONE z.zone),
	(span.last AT TIME ZONE z.zone) + interval '1 hour',
	interval '1 day'
) AS local (midnight)
CROSS JOIN LATERAL (
	SELECT
		local.midnight AT TIME ZONE z.zone AS this,
		(local.midnight + interval '1 day') AT TIME ZONE z.zone AS next
) m
CROSS JOIN LATERAL (
	SELECT
		CASE
			WHEN (m.this - interval '1 hour') AT TIME ZONE z.zone >= local.midnight
			THEN m.this - interval '1 hour'
			ELSE m.this
		END AS starts,
		CASE
			WHEN (m.next - interval '1 hour') AT TIME ZONE z.zone >= local.midnight + interval '1 day'
			THEN m.next - interval '1 hour'
			ELSE m.next
		END AS ends
) d
CROSS JOIN LATERAL (
	SELECT
		b.agent_id,
		{{measures 28: coalesce(sum(b.{column}), 0){scale} AS {public}}}
	FROM kpid.agent_kpi_5m b
	WHERE b."time" >= d.starts AND b."time" < d.ends
	GROUP BY b.agent_id
) k;

CREATE OR REPLACE VIEW report.agent_kpi_rolling AS
SELECT
	k.agent_id,
	w."window",
	statement_timestamp() AS as_of,
	k.backlog,
	{{measures 28: k.{public}}}
FROM (
	VALUES
		('15m', interval '15 minutes'),
		('1h', interval '1 hour'),
		('4h', interval '4 hours'),
		('24h', interval '24 hours'),
		('7d', interval '168 hours'),
		('30d', interval '720 hours')
) AS w ("window", length)
CROSS JOIN LATERAL (
	SELECT
		u.agent_id,
		sum(u.backlog)::bigint AS backlog,
		{{measures 28: coalesce(sum(u.{column}), 0){scale} AS {public}}}
	FROM (
		SELECT
			b.agent_id,
			0::bigint AS backlog,
			{{measures 28: b.{column}}}
		FROM kpid.agent_kpi_5m b
		WHERE b."time" > date_bin('5 minutes', statement_timestamp(), '2000-01-01 00:00:00+00') - w.length
			AND b."time" <= date_bin('5 minutes', statement_timestamp(), '2000-01-01 00:00:00+00')
		UNION ALL
		SELECT
			a.agent_id,
			a.backlog,
			{{measures 28: 0}}
		FROM kpid.agent_backlog a
		WHERE a.backlog <> 0
	) u
	GROUP BY u.agent_id
) k;
