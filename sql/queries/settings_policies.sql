-- The ids of the revisions of the policy file that was read last, by whichever instance.
SELECT value
FROM kpid.setting
WHERE name = 'sla.policy_revisions'
