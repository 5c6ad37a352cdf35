-- Judging tickets anew on purpose, under other policies than those that were in force when they were opened: who had it
-- done, when and why.

CREATE TABLE kpid.recalculation (
	recalculation_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	began_at timestamptz NOT NULL DEFAULT statement_timestamp(),
	ended_at timestamptz,
	asked_by text NOT NULL,
	why text NOT NULL,
	opened_since timestamptz,
	opened_before timestamptz,
	revision_nos integer[] NOT NULL,
	n_tickets bigint,
	n_judged bigint
);
COMMENT ON TABLE kpid.recalculation IS 'Each time that tickets were judged anew on purpose: what the view of that name shows.';
GRANT SELECT, INSERT, UPDATE ON kpid.recalculation TO kpid_writer;

CREATE VIEW report.recalculation AS
SELECT
	c.recalculation_no,
	c.began_at,
	c.ended_at,
	c.asked_by,
	c.why,
	c.opened_since,
	c.opened_before,
	(
		SELECT string_agg(r.id, ', ' ORDER BY r.effective_from)
		FROM kpid.policy_revision r
		WHERE r.revision_no = ANY (c.revision_nos)) AS policy_versions,
	c.n_tickets AS tickets,
	c.n_judged AS judged
FROM kpid.recalculation c;
COMMENT ON VIEW report.recalculation IS 'One row each time that tickets were judged anew on purpose (kpid policy recalc).';
COMMENT ON COLUMN report.recalculation.recalculation_no IS 'Its number.';
COMMENT ON COLUMN report.recalculation.began_at IS 'When it began.';
COMMENT ON COLUMN report.recalculation.ended_at IS 'When it was through; NULL: it is under way, or was broken off (what it had judged stays so).';
COMMENT ON COLUMN report.recalculation.asked_by IS 'Who had it done, as they said.';
COMMENT ON COLUMN report.recalculation.why IS 'Why, as they said.';
COMMENT ON COLUMN report.recalculation.opened_since IS 'Of tickets opened from then on; NULL: without this bound.';
COMMENT ON COLUMN report.recalculation.opened_before IS 'Of tickets opened before then; NULL: without this bound.';
COMMENT ON COLUMN report.recalculation.policy_versions IS 'The revisions of the policies under which, separated by commas.';
COMMENT ON COLUMN report.recalculation.tickets IS 'Tickets that were looked at; NULL: it has not ended.';
COMMENT ON COLUMN report.recalculation.judged IS 'Of these, tickets that were under another revision before; NULL: it has not ended.';

CREATE OR REPLACE FUNCTION report.explain_ticket(ticket_id text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $body$
	SELECT jsonb_build_object(
		'ticket', to_jsonb(t),
		'cycles', coalesce(
			(SELECT jsonb_agg(to_jsonb(c) ORDER BY c.cycle) FROM report.ticket_cycle c WHERE c.ticket_id = $1), '[]'),
		'clocks', coalesce(
			(SELECT jsonb_agg(to_jsonb(l) ORDER BY l.started_at, l.target, l.n) FROM report.sla_live l WHERE l.ticket_id = $1),
			'[]'),
		'alerts', coalesce((
			SELECT jsonb_agg(
				to_jsonb(a) || jsonb_build_object(
					'acknowledgements', coalesce((
						SELECT jsonb_agg(to_jsonb(k) ORDER BY k.acknowledged_at)
						FROM report.acknowledgement k
						WHERE k.alert_id = a.alert_id), '[]'),
					'deliveries', coalesce((
						SELECT jsonb_agg(to_jsonb(d) ORDER BY d.receiver)
						FROM report.alert_delivery d
						WHERE d.alert_id = a.alert_id), '[]'))
				ORDER BY a.detected_at, a.target, a.n)
			FROM report.alert a
			WHERE a.ticket_id = $1), '[]'),
		'policy', (
			SELECT p.policy
			FROM kpid.policy_revision r
			CROSS JOIN LATERAL jsonb_array_elements(r.json::jsonb -> 'policies') AS p (policy)
			WHERE r.id = t.policy_version AND p.policy ->> 'name' = t.policy),
		'calendars', (
			SELECT r.json::jsonb -> 'calendars' FROM kpid.policy_revision r WHERE r.id = t.policy_version),
		'recalculations', coalesce((
			SELECT jsonb_agg(to_jsonb(c) ORDER BY c.began_at)
			FROM report.recalculation c
			JOIN kpid.recalculation k USING (recalculation_no)
			JOIN kpid.policy_revision r ON r.revision_no = ANY (k.revision_nos)
			WHERE r.id = t.policy_version
				AND (c.opened_since IS NULL OR t.opened_at >= c.opened_since)
				AND (c.opened_before IS NULL OR t.opened_at < c.opened_before)), '[]'))
	FROM report.ticket t
	WHERE t.ticket_id = $1
$body$;
COMMENT ON FUNCTION report.explain_ticket(text) IS 'What is known of a ticket: its row, cycles, running clocks, alerts with who took them on and who was told, the very text of the policy and the calendars that judge it, and who had it judged anew under them and why. NULL: no such ticket. Its events in their order are with the command kpid explain.';

CREATE OR REPLACE VIEW report.readme AS
SELECT r.object, r.grain, r.time_column, r.example
FROM (
	VALUES
		('report.ticket', 'ticket', 'opened_at',
			'SELECT state, count(*) FROM report.ticket WHERE opened_at >= now() - interval ''7 days'' GROUP BY state'),
		('report.ticket_cycle', 'ticket × cycle', 'started_at',
			'SELECT verdict, count(*) FROM report.ticket_cycle WHERE started_at >= now() - interval ''30 days'' GROUP BY verdict'),
		('report.agent_kpi_5m', 'agent × 5 minutes of UTC', 'time',
			'SELECT time, sum(opened) AS opened, sum(resolved) AS resolved FROM report.agent_kpi_5m WHERE time >= now() - interval ''1 hour'' GROUP BY time ORDER BY time'),
		('report.agent_kpi_hourly', 'agent × hour of UTC', 'time',
			'SELECT time, sum(first_response_within_sla)::numeric / nullif(sum(first_response_measured), 0) AS in_time FROM report.agent_kpi_hourly WHERE time >= now() - interval ''24 hours'' GROUP BY time ORDER BY time'),
		('report.agent_kpi_daily', 'agent × day in the configured time zone', 'time',
			'SELECT agent_id, sum(resolved) AS resolved, sum(resolution_seconds_sum) / nullif(sum(resolved), 0) AS seconds_each, sum(csat_score_sum) / nullif(sum(csat_responses), 0) AS satisfaction FROM report.agent_kpi_daily WHERE time >= now() - interval ''30 days'' GROUP BY agent_id ORDER BY resolved DESC'),
		('report.agent_kpi_rolling', 'agent × window', 'as_of',
			'SELECT agent_id, backlog, opened, resolved, first_response_within_sla::numeric / nullif(first_response_measured, 0) AS in_time FROM report.agent_kpi_rolling WHERE "window" = ''1h'' ORDER BY backlog DESC'),
		('report.sla_live', 'SLA clock that has not stopped', 'due_at',
			'SELECT ticket_id, target, state, seconds_left, agent_id FROM report.sla_live WHERE state <> ''paused'' ORDER BY due_at LIMIT 20'),
		('report.alert', 'alert: SLA clock that was breached or warned about', 'breached_at',
			'SELECT project_id, target, count(*) FROM report.alert WHERE breached_at >= now() - interval ''24 hours'' AND state NOT IN (''warning'', ''averted'', ''voided'') GROUP BY project_id, target'),
		('report.alert_delivery', 'alert × receiver', 'sent_at',
			'SELECT receiver, state, count(*), max(attempts), max(last_error) FROM report.alert_delivery GROUP BY receiver, state'),
		('report.acknowledgement', 'acknowledgement of an alert', 'acknowledged_at',
			'SELECT acknowledged_by, count(*) FROM report.acknowledgement WHERE acknowledged_at >= now() - interval ''7 days'' GROUP BY acknowledged_by'),
		('report.silence', 'silence', 'starts_at',
			'SELECT * FROM report.silence WHERE ends_at > now()'),
		('report.recalculation', 'recalculation', 'began_at',
			'SELECT began_at, asked_by, why, judged FROM report.recalculation ORDER BY began_at DESC'),
		('report.dead_letter', 'message that is no event', 'read_at',
			'SELECT reason, count(*), max(read_at) FROM report.dead_letter WHERE read_at >= now() - interval ''7 days'' GROUP BY reason'),
		('report.data_freshness', 'source partition', 'complete_until',
			'SELECT topic, sum(lag_messages) AS lag_messages, max(lag_seconds) AS lag_seconds FROM report.data_freshness GROUP BY topic'),
		('report.gap', 'gap in a source partition', 'detected_at',
			'SELECT * FROM report.gap WHERE accepted_at IS NULL'),
		('report.version', 'one row', NULL,
			'SELECT version FROM report.version'),
		('report.readme', 'object of this schema', NULL,
			'SELECT object, grain, time_column FROM report.readme')
) AS r (object, grain, time_column, example);
