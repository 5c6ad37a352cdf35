-- Inserts KPI rows that probably do not exist yet, in the order of the keys. If one does, the statement fails and the batch starts
-- again, with kpi_add.sql.
-- $1 rows
INSERT INTO kpid.agent_kpi_5m
SELECT * FROM unnest($1::kpid.agent_kpi_5m[])
