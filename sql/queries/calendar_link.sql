-- Links calendars of policy revisions to their hours.
-- $1 revision_nos, $2 calendars, $3 hours_ids
INSERT INTO kpid.calendar (revision_no, calendar, hours_id)
SELECT revision_no, calendar, hours_id
FROM unnest($1::integer[], $2::text[], $3::text[]::uuid[]) AS c (revision_no, calendar, hours_id)
ON CONFLICT (revision_no, calendar) DO NOTHING
