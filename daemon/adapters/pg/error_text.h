/* Errors of PostgreSQL and libpq as one line for a log or a terminal, with the remedy. */
#ifndef KPID_ADAPTERS_PG_ERROR_TEXT_H
#define KPID_ADAPTERS_PG_ERROR_TEXT_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "kpid/base/buf.h"

/* The SQLSTATE of an error; NULL: none. Borrowed. */
const char *pg_sqlstate_of(const PGresult *result);
bool pg_has_sqlstate(const PGresult *result, const char *sqlstate);
/* Another writer has inserted a row first, or locks rows in another order. */
bool pg_is_collision(const PGresult *result);
/* Adds the error of a result: "permission denied for table alert (42501)". */
void pg_add_refusal(struct buf *out, const PGresult *result);
/* Adds a message of libpq about a connection, for all hosts that it tried, without its hints. */
void pg_add_message(struct buf *out, const char *message);
/* Adds "; run `kpid migrate up` …", or nothing. sqlstate may be NULL. user: of the session; NULL: not known. needed:
 * the role of kpid that has the rights. */
void pg_add_remedy(struct buf *out, const char *sqlstate, const char *user, const char *needed);

#endif
