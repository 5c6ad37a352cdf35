-- Which mapping has read each source, from which offset on.
-- $1 source_nos
SELECT u.source_no, u.from_offset, u.mapping, u.version
FROM kpid.mapping_use u
WHERE u.source_no = ANY ($1::integer[])
ORDER BY u.source_no, u.from_offset
