SELECT
	(SELECT md5(string_agg(md5((t.ticket_id, t.state, t.cycle, t.opened_at, t.first_response_at, t.resolved_at,
		t.closed_at, t.first_response_verdict, t.resolution_verdict, t.transfer_count)::text), '' ORDER BY t.ticket_id))
	FROM report.ticket t),
	(SELECT md5(string_agg(md5(k::text), '' ORDER BY k.time, k.agent_id)) FROM report.agent_kpi_5m k)
