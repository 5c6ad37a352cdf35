-- In the transaction of the migration itself. $1: version, $2: name, $3: checksum in hexadecimal.
INSERT INTO kpid.migration (version, name, sha256) VALUES ($1::integer, $2, decode($3, 'hex'))
