-- The coaching notes about the caller.
SELECT jsonb_build_object('notes', me.notes())::text AS document
