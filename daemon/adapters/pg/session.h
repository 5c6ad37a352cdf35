/* One connection to PostgreSQL on the event loop: libpq in non-blocking and pipeline mode. It connects by
 * itself, again and again with a growing pause, and logs once why the server is away or of no use, and once that it is
 * back. Statements are the files of sql/queries, prepared when first used on a connection. What the server refuses is
 * logged here, once and with the remedy: who asked need not do it. A session that turns out to be read-only, or of no
 * use for another reason that another session may not have, is closed and opened again. */
#ifndef KPID_ADAPTERS_PG_SESSION_H
#define KPID_ADAPTERS_PG_SESSION_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/sqlstate.h"
#include "kpid/config.h"

#define SQLSTATE_READ_ONLY      "25006"
#define SQLSTATE_NO_TABLE       "42P01"
#define SQLSTATE_SHARED_SESSION "26000" /* what a pooler in transaction mode leads to */

struct event_base;
struct pg_session;

/* The tables whose rows go to the server as arrays of their row type. */
enum pg_row_type {
	PG_ROW_TICKET,
	PG_ROW_PAST_CYCLE,
	PG_ROW_AGENT_KPI,
	PG_ROW_AGENT_BACKLOG,
	PG_ROW_SLA_CLOCK,
	PG_ROW_ALERT,
	PG_ROW_DEAD_LETTER,
	PG_N_ROW_TYPES
};

struct pg_session_events {
	void (*ready)(void *context); /* connected: may query */
	void (*lost)(void *context,
	             const char *reason); /* everything under way is forgotten, its callbacks are not called */
	void *context;
};

/* A parameter: text or, where binary, PostgreSQL's binary format. value NULL: SQL NULL. */
struct pg_param {
	const char *value;
	int len_bytes;
	bool binary;
};

/* result: of one query; borrowed. Its status may be an error or PGRES_PIPELINE_ABORTED. */
typedef void (*pg_result_fn)(void *context, PGresult *result);

/* name: what the log calls it. Nothing is connected before pg_session_start(). */
struct pg_session *pg_session_new(struct event_base *base, const struct config_pairs *conninfo, const char *name,
                                  const struct pg_session_events *events);
void pg_session_free(struct pg_session *session);
/* Before the start: is called, with the context of the other events, when the server is there and cannot be used: it
 * only reads, the role lacks a right, the database is not ours. That was logged, and is tried again. After lost(), if
 * the session was ready. */
void pg_session_on_unusable(struct pg_session *session,
                            void (*unusable)(void *context, enum sql_fault fault, const char *reason));
void pg_session_start(struct pg_session *session);
bool pg_session_is_ready(const struct pg_session *session);
/* Closes a session that is ready, from the loop, and opens it again: it may have settings that have changed since. */
void pg_session_reopen(struct pg_session *session);
/* The SQLSTATE of the first statement that was refused since the last sync, for callbacks up to and with that of the
 * next sync; "": none. */
const char *pg_session_refusal(const struct pg_session *session);

/* What cannot be queued is never left out of a pipeline: nothing more is sent on this connection, and lost() is called
 * from the loop. */

/* Queues a query. file: below sql/, such as "queries/ticket_read.sql"; the pointer identifies the statement
 * and must be a constant. Results are binary. Only while ready. */
void pg_session_query(struct pg_session *session, const char *file, const struct pg_param *params, int n_params,
                      pg_result_fn fn, void *context);
/* Plain SQL without parameters or rows: BEGIN, COMMIT, ROLLBACK. */
void pg_session_command(struct pg_session *session, const char *sql, pg_result_fn fn, void *context);
/* Ends a pipeline: after an error everything up to here was skipped. fn's result is PGRES_PIPELINE_SYNC. */
void pg_session_sync(struct pg_session *session, pg_result_fn fn, void *context);
/* Asks the server for the results so far, without ending the pipeline. */
void pg_session_flush(struct pg_session *session);

/* Nothing holds up the loop. Who has a lot to do with a result asks now and then whether callbacks of this session have
 * run for as long as they may, 50 ms, and if so goes on in the next turn of the loop: fn is called then, with the same
 * result, and before it no other result of this session is delivered. From a callback of that result only, which
 * returns then. */
bool pg_session_turn_is_over(const struct pg_session *session);
void pg_session_take_turn(struct pg_session *session, PGresult *result, pg_result_fn fn, void *context);

const unsigned *pg_session_row_types(const struct pg_session *session); /* their oids, by enum pg_row_type */
/* The same from the one row of queries/session_setup.sql. False: this database has no tables of ours. */
bool pg_row_types_get(const PGresult *result, unsigned types_out[PG_N_ROW_TYPES]);
/* True for a result that a query without error gives. */
bool pg_result_ok(const PGresult *result);
/* Rows that a command touched. */
size_t pg_result_affected(PGresult *result);
/* The embedded text of a file below sql/. Ends the program if there is none: a fault of the build. */
const char *pg_sql_text(const char *file);

#endif
