-- What the database knows of one ticket, for tools. The events in their order, and the time line of each clock, are with
-- `kpid explain`: only the program reads a ticket's history.

CREATE FUNCTION report.explain_ticket(ticket_id text) RETURNS jsonb
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
			SELECT r.json::jsonb -> 'calendars' FROM kpid.policy_revision r WHERE r.id = t.policy_version))
	FROM report.ticket t
	WHERE t.ticket_id = $1
$body$;
COMMENT ON FUNCTION report.explain_ticket(text) IS 'What is known of a ticket: its row, cycles, running clocks, alerts with who took them on and who was told, and the very text of the policy and the calendars that judge it. NULL: no such ticket. Its events in their order are with the command kpid explain.';
REVOKE ALL ON FUNCTION report.explain_ticket(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION report.explain_ticket(text) TO kpid_reader, kpid_writer, kpid_operator;
