-- The users of the demo's database: a daemon that may not change the schema, the board, someone who
-- appraises, and an analyst with a BI tool.
CREATE ROLE demo_daemon LOGIN IN ROLE kpid_writer;
CREATE ROLE demo_board LOGIN IN ROLE kpid_board;
CREATE ROLE demo_hr LOGIN IN ROLE kpid_hr;
CREATE ROLE demo_analyst LOGIN IN ROLE kpid_reader;
ALTER ROLE demo_analyst SET search_path = report;
-- The check at the end uses temporary tables.
GRANT TEMPORARY ON DATABASE kpid TO demo_analyst;
