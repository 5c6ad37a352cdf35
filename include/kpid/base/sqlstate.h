/* What a refusal of PostgreSQL means for the one who asked: decided here, from the SQLSTATE alone, for the daemon and
 * for all commands. Pure. */
#ifndef KPID_BASE_SQLSTATE_H
#define KPID_BASE_SQLSTATE_H

#include <stdbool.h>

enum sql_fault {
	SQL_TRANSIENT,    /* passes by itself: a deadlock, a lock, a restart. Try again soon */
	SQL_NO_RESOURCES, /* the server lacks room, memory or connections. Try again with back-off; somebody may have to
	                     act */
	SQL_READ_ONLY,    /* this session cannot write: close it and open another, which may reach the primary */
	SQL_NO_RIGHT,     /* the role lacks a right, or may not log in. Lasts until somebody grants it */
	SQL_SET_UP,       /* not the database, schema, settings or kind of connection that kpid needs. Lasts likewise */
	SQL_DATA /* depends on the rows that were sent: the same rows are refused again. Never retry them for ever */
};

#define SQLSTATE_BYTES 6 /* five characters and a NUL */

/* sqlstate: five characters; NULL or anything else, as when libpq reports that the connection is lost, is
 * SQL_TRANSIENT. */
enum sql_fault sql_fault_of(const char *sqlstate);
/* A word for logs and metrics, such as "read_only". */
const char *sql_fault_name(enum sql_fault fault);
/* What somebody can do about it, as a clause without a capital letter or a full stop; NULL: nothing special. */
const char *sql_remedy_of(const char *sqlstate);
/* True where trying again does not help before somebody acts: retry seldom, and say what to do. */
bool sql_fault_lasts(enum sql_fault fault);
/* Finds the SQLSTATE in what libpq says of a failed connection under PQERRORS_VERBOSE. False: there is none. */
bool sqlstate_in_message(const char *message, char sqlstate_out[SQLSTATE_BYTES]);

#endif
