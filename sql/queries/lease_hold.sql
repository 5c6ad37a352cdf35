-- The fence: the lease $1 is held under the epoch $2 until the end of this transaction, or it fails.
SELECT kpid.hold_lease($1, $2::bigint)
