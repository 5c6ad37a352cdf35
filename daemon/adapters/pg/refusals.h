/* Logs statements that PostgreSQL refuses on a session: each once with its reason and remedy, then once an hour, and
 * once when it works again. Callers need not log them. */
#ifndef KPID_ADAPTERS_PG_REFUSALS_H
#define KPID_ADAPTERS_PG_REFUSALS_H

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/log_throttle.h"

enum { REFUSALS_MOST = 64 };

struct refusals {
	struct {
		const char *statement; /* identifies it; borrowed */
		struct log_throttle fault;
	} items[REFUSALS_MOST];
	size_t n, n_lasting;
};

/* session: its name in the log. remedy: as pg_add_remedy() appends it, or "". statement: a file below sql/ or SQL; must
 * be a constant. now_us: monotonic. */
void refusals_add(struct refusals *refusals, const char *session, const char *remedy, const char *statement,
                  const PGresult *result, int64_t now_us);
/* The statement has worked. */
void refusals_end(struct refusals *refusals, const char *session, const char *statement, int64_t now_us);

#endif
