/* A blocking connection to PostgreSQL, for commands that run a few queries and exit.
 *
 * Errors are kept in `error`, so that a command that continues can show them; pg_sync_failed() prints the error and
 * returns the exit status. */
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
	struct buf error; /* one line: why the last call failed, and what to do */
	bool refused;     /* a function of kpid refused the request */
	enum sql_error error_class;
	bool in_recovery, read_only; /* the server is a standby; the session cannot write */
	int server_pid;
};

/* Connects with the pairs of [postgres], and sets what every session of kpid sets. Returns false if there is no usable
 * connection. Call pg_sync_close() in both cases. */
bool pg_sync_open(struct pg_sync *sync, const struct cli *cli, const struct config_pairs *pairs);
void pg_sync_close(struct pg_sync *sync);
bool pg_sync_is_connected(const struct pg_sync *sync);
bool pg_sync_reconnect(struct pg_sync *sync);

/* Loads the configuration, connects, runs action and closes the connection. Returns the status of action, or another
 * enum cli_status after printing the error. context is passed on. */
typedef int pg_sync_action(struct pg_sync *sync, const struct kpid_config *config, const void *context);
int pg_sync_run(const struct cli *cli, pg_sync_action *action, const void *context);

/* Runs a file below sql/. Returns its rows in the binary format (caller frees them with PQclear()), or NULL on an
 * error. */
PGresult *pg_sync_query(struct pg_sync *sync, const char *file, const struct pg_param *params, int n_params);
/* Reads all stored policy revisions: the rows of queries/policy_load.sql. Otherwise as pg_sync_query(). */
PGresult *pg_sync_load_policies(struct pg_sync *sync);
/* Runs SQL without parameters and rows. */
bool pg_sync_command(struct pg_sync *sync, const char *sql);
/* Begins a read-only snapshot, until pg_sync_end(). */
bool pg_sync_begin_snapshot(struct pg_sync *sync);
/* Rolls a transaction back. */
void pg_sync_end(struct pg_sync *sync);

/* Prints "kpid COMMAND: …" as a line to stderr, with control characters escaped. */
void pg_sync_print_error(const struct pg_sync *sync, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Returns false, with the reason in error, if this session cannot write. */
bool pg_sync_can_write(struct pg_sync *sync);
/* Opens a second connection to find out whether a pooler shares server sessions among clients, which kpid cannot work
 * with. If so, returns true with the reason in error. */
bool pg_sync_is_shared(struct pg_sync *sync, const struct config_pairs *pairs);
/* Prints the error. Returns CLI_FAILED if a function of kpid refused the request, else CLI_NO_POSTGRES. */
int pg_sync_failed(const struct pg_sync *sync);

#endif
