-- All stored settings.
SELECT name, value
FROM kpid.setting
ORDER BY name
