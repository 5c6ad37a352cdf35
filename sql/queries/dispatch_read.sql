-- Changed alerts, with the columns that routing needs. LIMIT 1 forces index lookups whatever the planner estimates for a table
-- that is empty at one moment and full at the next; a full scan of alerts and tickets gets slower with every day.
SELECT n.alert_id, a.revision, a.state, a.level, a.target, a.project_id, t.team_id, n.revision AS notified_revision
FROM kpid.notification n
CROSS JOIN LATERAL (SELECT * FROM kpid.alert a WHERE a.alert_id = n.alert_id LIMIT 1) a
LEFT JOIN LATERAL (SELECT t.team_id FROM kpid.ticket t WHERE t.ticket_id = a.ticket_id LIMIT 1) t ON true
ORDER BY n.alert_id
LIMIT 1000
