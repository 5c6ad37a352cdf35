/* Statements that PostgreSQL refuses, on one session: each is logged once with its reason and the remedy, once an hour
 * while that lasts, and when it is over. Who asked need not log it. */
#ifndef KPID_ADAPTERS_PG_REFUSALS_H
#define KPID_ADAPTERS_PG_REFUSALS_H

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/lasting.h"

enum { REFUSALS_MOST = 64 };

struct refusals {
	struct {
		const char *statement; /* identifies it; borrowed */
		struct lasting fault;
	} items[REFUSALS_MOST];
	size_t n, n_lasting;
};

/* session: its name in the log. role: of the session. statement: a file below sql/, or plain SQL; a constant. */
void refusals_add(struct refusals *refusals, const char *session, const char *role, const char *statement,
                  const PGresult *result, int64_t now_us);
/* The statement has worked. */
void refusals_end(struct refusals *refusals, const char *session, const char *statement, int64_t now_us);

#endif
