/* Sessions that hold rows of kpid while others wait. */
#ifndef KPID_ADAPTERS_PG_STALLED_SESSIONS_H
#define KPID_ADAPTERS_PG_STALLED_SESSIONS_H

#include "adapters/pg/session.h"

/* Call after a lock timeout. Terminates stalled sessions of kpid's own role, and logs them. Sessions of other roles
 * that hold rows of kpid's tables are only logged. */
void pg_terminate_stalled(struct pg_session *session);

#endif
