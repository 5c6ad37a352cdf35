-- Changes the consumer group that reads for this database to $1, for everybody. What it was before, NULL: unset.
WITH put AS (
	INSERT INTO kpid.setting
	SELECT 'kafka.group.id', $1
	ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value
	RETURNING name
)
SELECT (SELECT s.value FROM kpid.setting s WHERE s.name = 'kafka.group.id') AS before
FROM put
