-- Changes a stored setting. Returns the value before; NULL: none.
-- $1 name, $2 setting
WITH put AS (
	INSERT INTO kpid.setting
	SELECT $1, $2
	ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value
	RETURNING name
)
SELECT (SELECT s.value FROM kpid.setting s WHERE s.name = $1) AS before
FROM put
