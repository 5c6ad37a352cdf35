-- Receivers that are to be told something now.
SELECT receiver
FROM kpid.delivery
WHERE state = 'pending' AND next_at <= clock_timestamp()
GROUP BY receiver
