-- What all instances must agree on, as it is stored.
SELECT name, value
FROM kpid.setting
ORDER BY name
