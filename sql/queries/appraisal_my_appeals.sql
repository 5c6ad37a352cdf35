-- The appeals of the caller.
SELECT jsonb_build_object('appeals', me.appeals())::text AS document
