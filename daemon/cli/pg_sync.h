/* One connection to PostgreSQL that is simply waited for: for commands that ask a few questions and end.
 *
 * What goes wrong is kept in error, so that a command which lives on can show it; pg_sync_failed() says it
 * and gives the status to return. */
#ifndef KPID_CLI_PG_SYNC_H
#define KPID_CLI_PG_SYNC_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "adapters/pg/rows.h"
#include "cli/cli.h"
#include "kpid/base/buf.h"
#include "kpid/base/sqlstate.h"

struct pg_sync {
	const struct cli *cli;
	PGconn *conn;
	struct buf error; /* one line: why the last call failed, and what to do about it */
	bool refused;     /* that was by a function of kpid: what was asked for cannot be */
	enum sql_fault fault;
	bool in_recovery, read_only; /* the session cannot write, and a standby is why; or cannot write at all */
	int server_pid;
};

/* Connects with the pairs of [postgres], and sets what every session of kpid sets. False: not connected, or not usable.
 * Either way end with pg_sync_close(). */
bool pg_sync_open(struct pg_sync *sync, const struct cli *cli, const struct config_pairs *pairs);
void pg_sync_close(struct pg_sync *sync);
bool pg_sync_is_connected(const struct pg_sync *sync);
bool pg_sync_reconnect(struct pg_sync *sync);

/* Runs a file below sql/. Its rows in the binary format (free with PQclear()), or NULL. */
PGresult *pg_sync_query(struct pg_sync *sync, const char *file, const struct pg_param *params, int n_params);
/* Plain SQL without parameters or rows. */
bool pg_sync_command(struct pg_sync *sync, const char *sql);
/* Everything up to pg_sync_end() sees the database as of one instant. */
bool pg_sync_begin_snapshot(struct pg_sync *sync);
/* Ends a transaction without any effect. */
void pg_sync_end(struct pg_sync *sync);

/* Prints "kpid COMMAND: …" and a newline to stderr; what is not fit for a terminal is escaped. */
void pg_sync_say(const struct pg_sync *sync, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* False, with the reason in error, when nothing can be written over this connection. */
bool pg_sync_can_write(struct pg_sync *sync);
/* Opens a second connection to see whether a pooler gives both clients one session of the server, or one client another
 * from one transaction to the next. True, with the reason in error: then kpid cannot work. */
bool pg_sync_is_shared(struct pg_sync *sync, const struct config_pairs *pairs);
/* Says the error. Returns CLI_NO_POSTGRES; CLI_FAILED for what was refused. */
int pg_sync_failed(const struct pg_sync *sync);

#endif
