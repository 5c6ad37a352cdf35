/* One connection to PostgreSQL on the event loop: libpq in non-blocking pipeline mode. It reconnects by itself with a
 * growing pause. It logs once why the server is unreachable or unusable, and once when it is back. Statements are the
 * files of sql/queries, prepared on first use. Refused statements are logged here, once and with the remedy; callers
 * need not log them. A session that cannot be used (for example read-only) is closed and reopened, as the next one may
 * reach another server. */
#ifndef KPID_ADAPTERS_PG_SESSION_H
#define KPID_ADAPTERS_PG_SESSION_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/sqlstate.h"
#include "kpid/config.h"
#include "sql/queries.h"

struct event_base;
struct pg_session;

/* The tables whose rows go to the server as arrays of their row type. */
enum pg_row_type {
	PG_ROW_TICKET = SESSION_SETUP_TICKET,
	PG_ROW_PAST_CYCLE = SESSION_SETUP_PAST_CYCLE,
	PG_ROW_AGENT_KPI = SESSION_SETUP_AGENT_KPI_5M,
	PG_ROW_AGENT_BACKLOG = SESSION_SETUP_AGENT_BACKLOG,
	PG_ROW_SLA_CLOCK = SESSION_SETUP_SLA_CLOCK,
	PG_ROW_ALERT = SESSION_SETUP_ALERT,
	PG_ROW_DEAD_LETTER = SESSION_SETUP_DEAD_LETTER,
	PG_ROW_LEDGER_PART = SESSION_SETUP_LEDGER_PART,
	PG_N_ROW_TYPES = SESSION_SETUP_N_COLUMNS
};

struct pg_session_events {
	void (*ready)(void *context); /* connected: queries are accepted */
	/* Disconnected. Pending queries are dropped without calling their callbacks. */
	void (*lost)(void *context, const char *reason);
	void *context;
};

enum { PG_MOST_PARAMS = 24 }; /* of one query */

/* A parameter in text or in PostgreSQL's binary format. value NULL: SQL NULL. Borrowed until the query is queued. */
struct pg_param {
	const char *value;
	int len_bytes;
	bool binary;
};

/* result: of one query; borrowed. Its status may be an error, or PGRES_PIPELINE_ABORTED after an earlier one. */
typedef void (*pg_result_fn)(void *context, PGresult *result);

/* name: for the log. Connects on pg_session_start(). */
struct pg_session *pg_session_new(struct event_base *base, const struct config_pairs *conninfo, const char *name,
                                  const struct pg_session_events *events);
void pg_session_free(struct pg_session *session);
/* Call before the start. unusable() is called, with the context of the other events, when the server answers but cannot
 * be used: it is read-only, the role lacks a privilege, or the schema is missing. This was logged, and the session
 * reconnects. If the session was ready, lost() is called first. */
void pg_session_on_unusable(struct pg_session *session,
                            void (*unusable)(void *context, enum sql_error fault, const char *reason));
/* Call before the start: the session uses the schema report only. It may be on a standby or read-only, its role needs
 * no right on the schema kpid, and a statement that takes longer than timeout_ms is refused. calls: it may call
 * functions that change something; otherwise its transactions are read-only. */
void pg_session_set_reader(struct pg_session *session, int timeout_ms, bool calls);
/* Call before the start: the statements of the session look up a few keys each. A plan that was made while the tables
 * were small would read them whole each time, and be kept until autovacuum has looked at the tables. */
void pg_session_set_by_keys(struct pg_session *session);
/* The role of kpid that has the rights which the session needs, for the remedy in the log. Static text; kpid_writer
 * unless set. */
void pg_session_set_needed_role(struct pg_session *session, const char *role);
/* Call before the start. notified() is called, with the context of the other events, after a NOTIFY on the channel, a
 * constant identifier. What is sent while the session is not ready is lost: look for work in ready() too. */
void pg_session_listen(struct pg_session *session, const char *channel, void (*notified)(void *context));
void pg_session_start(struct pg_session *session);
bool pg_session_is_ready(const struct pg_session *session);
/* Why the session was closed, or could not be opened, last. NULL: that has not happened. Borrowed until it happens
 * again. */
const char *pg_session_trouble(const struct pg_session *session);
/* Reconnects a ready session from the event loop, so that changed settings of the role or database apply. */
void pg_session_reopen(struct pg_session *session);
/* The SQLSTATE of the first statement refused in this pipeline; "": none. Valid up to and including the callback of
 * the sync that ends it. */
const char *pg_session_refusal(const struct pg_session *session);
/* Unique violations are (true) part of what the caller tries, and not logged. False at first. */
void pg_session_expect_collisions(struct pg_session *session, bool expected);

/* If a query cannot be queued, nothing more is sent on this connection, and lost() is called from the event loop: a
 * pipeline never lacks a part. */

/* Queues a query; call only while ready. file: below sql/, such as "queries/ticket_read.sql"; must be a constant, since
 * the pointer identifies the statement. Results are binary. */
void pg_session_query(struct pg_session *session, const char *file, const struct pg_param *params, int n_params,
                      pg_result_fn fn, void *context);
/* Queues SQL without parameters or rows, such as COMMIT. */
void pg_session_command(struct pg_session *session, const char *sql, pg_result_fn fn, void *context);
/* Ends a pipeline: after an error the server skips everything up to here. fn gets a PGRES_PIPELINE_SYNC. */
void pg_session_sync(struct pg_session *session, pg_result_fn fn, void *context);
/* Asks the server to send the results so far; the pipeline goes on. */
void pg_session_flush(struct pg_session *session);

/* For callbacks that need long for a result: pg_session_should_yield() is true when callbacks of this session have run
 * for 50 ms. The callback then calls pg_session_yield() and returns. fn gets the same result in the next iteration of
 * the event loop; until then no other result of this session is delivered. */
bool pg_session_should_yield(const struct pg_session *session);
void pg_session_yield(struct pg_session *session, PGresult *result, pg_result_fn fn, void *context);

const unsigned *pg_session_row_types(const struct pg_session *session); /* oids by enum pg_row_type; borrowed */
/* Reads the oids from the row of queries/session_setup.sql. False: this database does not have the tables. */
bool pg_row_types_get(const PGresult *result, unsigned types_out[PG_N_ROW_TYPES]);
/* True for the result of a query that succeeded. */
bool pg_result_ok(const PGresult *result);
/* Rows that a command has affected. */
size_t pg_result_affected(PGresult *result);
/* The embedded text of a file below sql/. Aborts if there is none. */
const char *pg_sql_text(const char *file);

#endif
