/* What PostgreSQL and libpq say, as one line for a log or a terminal, with what to do about it. */
#ifndef KPID_ADAPTERS_PG_WORDS_H
#define KPID_ADAPTERS_PG_WORDS_H

#include <libpq-fe.h>

#include "kpid/base/buf.h"

/* The SQLSTATE of a refusal; NULL: it has none. Borrowed. */
const char *pg_sqlstate_of(const PGresult *result);
/* "permission denied for table alert (42501)": of a result that is an error. */
void pg_add_refusal(struct buf *out, const PGresult *result);
/* What libpq says of a connection, of all hosts that it tried; without its hints. */
void pg_add_message(struct buf *out, const char *message);
/* "; run `kpid migrate up` …", or nothing. sqlstate and role, of the session, may be NULL. */
void pg_add_remedy(struct buf *out, const char *sqlstate, const char *role);

#endif
