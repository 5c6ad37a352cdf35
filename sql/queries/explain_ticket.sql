-- A ticket with the policy revision that judged it and the stored FCR window.
-- $1 ticket_id
SELECT
	t.rev,
	t.as_of,
	t.revised_at,
	t.opened_at,
	t.revision_no,
	r.json,
	t.history,
	t.state::integer,
	t.cycle,
	t.first_response_verdict::integer,
	t.resolution_verdict::integer,
	t.agent_id,
	t.policy,
	(SELECT s.value::bigint FROM kpid.setting s WHERE s.name = 'kpi.fcr_window_us') AS fcr_window_us
FROM kpid.ticket t
LEFT JOIN kpid.policy_revision r ON r.revision_no = t.revision_no
WHERE t.ticket_id = $1
