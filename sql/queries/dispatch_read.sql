-- Alerts that have changed, with what routing asks about them.
SELECT a.alert_id, a.revision, a.state, a.level, a.target, a.project_id, t.team_id
FROM kpid.notification n
JOIN kpid.alert a ON a.alert_id = n.alert_id
LEFT JOIN kpid.ticket t ON t.ticket_id = a.ticket_id
ORDER BY n.alert_id
LIMIT 1000
