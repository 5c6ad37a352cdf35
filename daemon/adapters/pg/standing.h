/* Instances that stand still in a transaction, and hold what others wait for. */
#ifndef KPID_ADAPTERS_PG_STANDING_H
#define KPID_ADAPTERS_PG_STANDING_H

#include "adapters/pg/session.h"

#define SQLSTATE_LOCK_TIMEOUT "55P03"

/* Queues that their transactions be ended, which is logged. Others that hold rows of kpid's tables, such as people's,
 * are named in the log. For who has waited for a lock in vain. */
void pg_end_standing(struct pg_session *session);

#endif
