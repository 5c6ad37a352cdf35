-- Withdraws an appeal of the caller.
-- $1 appeal_no
SELECT jsonb_build_object('appeal', $1::bigint, 'state', 'withdrawn')::text AS document
FROM me.withdraw($1::bigint) w
