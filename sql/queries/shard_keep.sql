-- Deletes the tickets of other shards from a copy of a database. Returns how many are gone.
-- $1 shard, $2 n_shards
SELECT kpid.keep_shard($1::integer, $2::integer) AS n_tickets
