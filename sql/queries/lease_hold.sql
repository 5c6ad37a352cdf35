-- The fence: fails unless the lease has this epoch. The lease then stays locked until the transaction ends.
-- $1 name, $2 epoch
SELECT kpid.hold_lease($1, $2::bigint)
