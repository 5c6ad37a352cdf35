/* Forgets agents whose time in appraisals is over (rule V5), after a refresh of the ledger and at most once an hour. */
#ifndef KPID_APP_LEDGER_FORGET_H
#define KPID_APP_LEDGER_FORGET_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/session.h"

struct ledger_forget {
	int64_t keep_months; /* after the end of an agent's last closed period; 0: forever */
	int64_t looked_us;   /* monotonic: when it looked last; 0: not yet */
};

bool ledger_forget_is_due(const struct ledger_forget *forget);
/* Queues the statement. Its result is only logged. */
void ledger_forget_send(struct ledger_forget *forget, struct pg_session *session);

#endif
