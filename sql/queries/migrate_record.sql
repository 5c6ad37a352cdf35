-- Records a migration, in the migration's own transaction.
-- $1 version, $2 name
-- $3 sha256: in hexadecimal
INSERT INTO kpid.migration (version, name, sha256) VALUES ($1::integer, $2, decode($3, 'hex'))
