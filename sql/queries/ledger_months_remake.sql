-- Makes the sums per month again, from the rows of the ledger.
SELECT kpid.remake_ledger_months()
