/* Classifies errors of PostgreSQL by their SQLSTATE, for the daemon and all commands. Pure. */
#ifndef KPID_BASE_SQLSTATE_H
#define KPID_BASE_SQLSTATE_H

#include <stdbool.h>

enum sql_error {
	SQL_TRANSIENT,    /* temporary: a deadlock, a lock, a restart. Retry soon */
	SQL_NO_RESOURCES, /* the server lacks disk space, memory or connections. Retry with back-off; an operator may
	                     have to act */
	SQL_READ_ONLY,    /* this session cannot write: reconnect, which may reach the primary */
	SQL_NO_RIGHT,     /* the role lacks a right or cannot log in. Lasts until an operator grants it */
	SQL_SET_UP,       /* the wrong database, schema, settings or kind of connection. Lasts until an operator acts */
	SQL_DATA          /* caused by the rows that were sent: they are refused again. Do not retry them forever */
};

#define SQLSTATE_BYTES 6 /* five characters and a NUL */

#define SQLSTATE_NOT_UNIQUE     "23505"
#define SQLSTATE_READ_ONLY      "25006"
#define SQLSTATE_SHARED_SESSION "26000" /* behind a pooler in transaction mode */
#define SQLSTATE_DEADLOCK       "40P01"
#define SQLSTATE_NO_RIGHT       "42501"
#define SQLSTATE_NO_TABLE       "42P01"
#define SQLSTATE_LOCK_TIMEOUT   "55P03"
#define SQLSTATE_LEASE_LOST     "KL001" /* raised by kpid.hold_lease() */

/* sqlstate: five characters. NULL or anything else, as for a lost connection, is SQL_TRANSIENT. */
enum sql_error sql_error_of(const char *sqlstate);
/* A name for logs and metrics, such as "read_only". */
const char *sql_error_name(enum sql_error fault);
/* What an operator can do, as a clause without a capital letter and a full stop; NULL: no advice. */
const char *sql_remedy_of(const char *sqlstate);
/* True if the error lasts until an operator acts: retry rarely, and log what to do. */
bool sql_error_lasts(enum sql_error fault);
/* Finds the SQLSTATE in libpq's message about a failed connection under PQERRORS_VERBOSE. Returns false without one. */
bool sqlstate_in_message(const char *message, char sqlstate_out[SQLSTATE_BYTES]);

#endif
