-- The logins of deploy/compose.yaml, with passwords from the environment. It may run again and again.
\getenv kpid_password KPID_PASSWORD
\getenv board_password KPID_BOARD_PASSWORD
SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', login, role)
FROM (VALUES ('kpid', 'kpid_writer'), ('kpid_page', 'kpid_board')) AS wanted (login, role)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) \gexec
ALTER ROLE kpid PASSWORD :'kpid_password';
ALTER ROLE kpid_page PASSWORD :'board_password';
