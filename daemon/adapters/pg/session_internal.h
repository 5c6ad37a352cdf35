/* What session.c (connecting) and pipeline.c (asking) share. For these two alone. */
#ifndef KPID_ADAPTERS_PG_SESSION_INTERNAL_H
#define KPID_ADAPTERS_PG_SESSION_INTERNAL_H

#include <event2/event.h>

#include "adapters/pg/refusals.h"
#include "adapters/pg/session.h"

enum { N_STATEMENTS = 64 }; /* on one connection */

#define SECOND_US INT64_C(1000000)

/* What was sent and is not answered yet. */
struct pending {
	struct pending *next;
	const char *statement_text; /* the file, or the SQL; of a sync NULL */
	pg_result_fn fn;
	void *context;
	bool is_sync;
	bool is_prepare; /* its own result is passed over unless it is an error */
	bool is_prepared;
	int statement; /* that it prepares */
};

/* A callback that goes on in the next turn of the loop. */
struct turn {
	pg_result_fn fn; /* NULL: none waits, and results are delivered */
	void *context;
	PGresult *result;
};

enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_SETTING_UP, PHASE_READY };

/* Why a session is about to be closed. */
struct trouble {
	bool is_so;
	bool was_logged;
	enum sql_fault fault;
	struct buf why;
};

struct pg_session {
	struct event_base *base;
	const char **keywords, **values;
	char *name;
	struct pg_session_events events;
	void (*unusable)(void *context, enum sql_fault fault, const char *reason); /* NULL: nobody asks */
	PGconn *conn;
	struct event *io, *retry, *silence, *next_turn;
	struct turn turn;
	int64_t turn_since_us; /* monotonic: since when callbacks have run without a break */
	short io_events;
	enum phase phase;
	int pause_ms, connect_timeout_s;
	uint32_t said; /* why the server is away, or of no use: enum sql_fault as bits; 0: it is there */
	int64_t ready_since_us, heard_us; /* monotonic */
	bool said_silent;
	struct refusals refusals;
	char refusal[SQLSTATE_BYTES]; /* the first of the pipeline that is being answered; "": none */
	struct trouble trouble;       /* why the session is about to be closed */
	struct pending *first, *last;
	const char *prepared[N_STATEMENTS]; /* NULL: its place is free */
	int n_prepared;
	unsigned row_types[PG_N_ROW_TYPES];
	bool broken;         /* something could not be sent: no more is, and the loop closes the connection */
	unsigned generation; /* raised with every connection: tells a callback that the session was lost under it */
};

/* ---- session.c ---- */

int64_t session_now_us(void); /* monotonic */
/* The first reason counts, the others follow from it. sqlstate: for the remedy; NULL is fine. */
void session_set_trouble(struct pg_session *session, enum sql_fault fault, const char *why, const char *sqlstate);
/* A transaction must not go on without a part of it. Its caller is in the middle of things: nothing more is sent, and
 * the loop closes the connection. */
void session_break(struct pg_session *session);
void session_watch(struct pg_session *session, short events);

/* ---- pipeline.c ---- */

/* Gives the results that have arrived to their callbacks, which may close the connection. */
void pipeline_read(struct pg_session *session);
void pipeline_flush(struct pg_session *session);
/* Forgets what was sent; no callback is called. */
void pipeline_forget(struct pg_session *session);
/* A timer's callback: logs that the server does not answer. */
void pipeline_on_silence(evutil_socket_t fd, short what, void *context);

#endif
