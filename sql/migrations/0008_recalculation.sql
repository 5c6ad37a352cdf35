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

-- The list of objects, whatever it has become, and this one.
DO $readme$
BEGIN
	EXECUTE format(
		'CREATE OR REPLACE VIEW report.readme AS %s UNION ALL SELECT %L, %L, %L, %L',
		rtrim(pg_get_viewdef('report.readme'::regclass), ';'),
		'report.recalculation', 'recalculation', 'began_at',
		'SELECT began_at, asked_by, why, judged FROM report.recalculation ORDER BY began_at DESC');
END
$readme$;
