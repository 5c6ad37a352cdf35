-- What settle of a plan must not be shorter than (rule I6).
SELECT l.us[1] AS fcr_window_us, l.us[2] AS callback_within_us
FROM (SELECT appraisal.least_settle_us() AS us) l
