-- Which shard a database is, as stored; NULL: no daemon has read into it.
SELECT (SELECT s.value FROM report.setting s WHERE s.name = 'shard') AS shard
