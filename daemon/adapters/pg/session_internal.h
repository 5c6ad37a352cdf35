/* Shared by session.c (connecting) and pipeline.c (queries) only. */
#ifndef KPID_ADAPTERS_PG_SESSION_INTERNAL_H
#define KPID_ADAPTERS_PG_SESSION_INTERNAL_H

#include <event2/event.h>

#include "adapters/pg/refusals.h"
#include "adapters/pg/session.h"
#include "kpid/base/backoff.h"
#include "kpid/core/timestamp.h"

enum { N_STATEMENTS = 64 }; /* prepared on one connection, at most */

/* A query or sync that was sent and not answered yet. */
struct pending {
	struct pending *next;
	const char *statement_text; /* file or SQL; NULL for a sync */
	pg_result_fn fn;
	void *context;
	bool is_sync;
	bool is_prepare; /* its result is ignored unless it is an error */
	bool is_prepared;
	int statement; /* the index that it prepares */
};

/* A callback that continues in the next iteration of the event loop. */
struct continuation {
	pg_result_fn fn; /* NULL: none; results are delivered */
	void *context;
	PGresult *result;
};

enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_SETTING_UP, PHASE_READY };

/* Why a session is about to be closed. */
struct close_reason {
	bool is_set;
	bool was_logged;
	enum sql_error fault;
	struct buf why;
};

struct pg_session {
	struct event_base *base;
	const char **keywords, **values;
	char *name;
	const char *needed_role; /* see pg_session_set_needed_role() */
	struct pg_session_events events;
	void (*unusable)(void *context, enum sql_error fault, const char *reason); /* may be NULL */
	void (*notified)(void *context);
	char listen[64]; /* the LISTEN command; "": none */
	PGconn *conn;
	struct event *io, *retry, *silence, *continue_timer;
	struct continuation continuation;
	int64_t callbacks_since_us; /* monotonic: when the current callbacks began */
	short io_events;
	enum phase phase;
	int connect_timeout_s;
	bool reader_calls;                      /* a reader that may call functions */
	bool by_keys;                           /* see pg_session_set_by_keys() */
	int reader_timeout_ms;                  /* of a reader's statements; 0: the session writes */
	struct backoff backoff;                 /* of connecting */
	uint32_t logged_faults;                 /* bits by enum sql_error since the server was usable last */
	int64_t ready_since_us, last_answer_us; /* monotonic */
	bool silence_logged;
	struct refusals refusals;
	bool expects_collisions;
	char refusal[SQLSTATE_BYTES]; /* the first in the current pipeline; "": none */
	struct close_reason close_reason;
	struct buf trouble; /* of the last connection that was lost */
	struct pending *first, *last;
	const char *prepared[N_STATEMENTS]; /* NULL: free */
	int n_prepared;
	unsigned row_types[PG_N_ROW_TYPES];
	bool broken;         /* a send failed: nothing more is sent, and the loop closes the connection */
	unsigned generation; /* raised on each disconnect: detects that a callback has closed the connection */
};

/* ---- session.c ---- */

/* Sets the reason for closing; the first call wins. sqlstate: for the remedy; may be NULL. */
void session_set_close_reason(struct pg_session *session, enum sql_error fault, const char *why, const char *sqlstate);
/* Stops sending and lets the loop close the connection: a transaction must not continue without one of its parts, and
 * the caller is in the middle of it. */
void session_break(struct pg_session *session);
void session_watch(struct pg_session *session, short events);

/* ---- pipeline.c ---- */

/* Passes the results that have arrived to their callbacks, which may close the connection. */
void pipeline_read(struct pg_session *session);
void pipeline_flush(struct pg_session *session);
/* Drops all pending queries without calling their callbacks. */
void pipeline_forget(struct pg_session *session);
/* Timer callback: logs that the server does not answer. */
void pipeline_on_silence(evutil_socket_t fd, short what, void *context);

#endif
