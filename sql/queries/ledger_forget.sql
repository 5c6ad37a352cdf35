-- Forgets the agents whose last period ended long ago, in appraisals.
-- $1 months
SELECT kpid.forget_appraised($1::integer) AS n_forgotten
