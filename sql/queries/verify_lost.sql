-- Tickets that have cycles, clocks or alerts but no row in kpid.ticket: their history is lost. Voided alerts do not count, because
-- tickets that kpid source drop has deleted leave them.
SELECT DISTINCT ticket_id
FROM (
	SELECT ticket_id FROM kpid.past_cycle
	UNION ALL
	SELECT ticket_id FROM kpid.sla_clock
	UNION ALL
	SELECT ticket_id FROM kpid.alert WHERE state <> 'voided'
) r
WHERE NOT EXISTS (SELECT FROM kpid.ticket t WHERE t.ticket_id = r.ticket_id)
ORDER BY ticket_id
