-- Writes the items of tickets: those with one key are added up.
-- $1 times, $2 ticket_ids, $3 agent_ids, $4 project_ids, $5 team_ids, $6 items, $7 kinds, $8 perceived, $9 paired, $10 gaps
INSERT INTO kpid.ledger_item (day, ticket_id, agent_id, project_id, team_id, item, kind, answered, perceived_sum, paired, gap_sum)
SELECT kpid.day_of(u."time", z.zone), u.ticket_id, u.agent_id, u.project_id, u.team_id, u.item, u.kind, count(*), sum(u.perceived),
	count(*) FILTER (WHERE u.is_paired), sum(u.gap)
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::boolean[],
	$10::bigint[]) AS u ("time", ticket_id, agent_id, project_id, team_id, item, kind, perceived, is_paired, gap)
CROSS JOIN (
	SELECT coalesce((SELECT s.value FROM kpid.setting s WHERE s.name = 'report.time_zone'), 'UTC') AS zone
) z
GROUP BY 1, 2, 3, 4, 5, 6, 7
