-- A narrower index of the newest tickets. Its keys had the id of the ticket as well, which only orders tickets that were opened at
-- the same microsecond: PostgreSQL sorts those few itself (incremental sort).
CREATE INDEX ticket_opened ON kpid.ticket (opened_at);
DROP INDEX kpid.ticket_opened_at;
