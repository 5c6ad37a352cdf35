-- Alerts that have changed, with what routing asks about them. LIMIT 1 keeps them looked up by their keys, whatever is known of
-- the size of a table that is empty at one moment and full at the next: read whole, alerts and tickets take ever longer.
SELECT n.alert_id, a.revision, a.state, a.level, a.target, a.project_id, t.team_id, n.revision
FROM kpid.notification n
CROSS JOIN LATERAL (SELECT * FROM kpid.alert a WHERE a.alert_id = n.alert_id LIMIT 1) a
LEFT JOIN LATERAL (SELECT t.team_id FROM kpid.ticket t WHERE t.ticket_id = a.ticket_id LIMIT 1) t ON true
ORDER BY n.alert_id
LIMIT 1000
