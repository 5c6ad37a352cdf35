#include "adapters/pg/session.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/metrics/counts.h"
#include "adapters/pg/error_text.h"
#include "adapters/pg/rows.h"
#include "adapters/pg/session_internal.h"
#include "adapters/timer.h"
#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/base/slow_callbacks.h"

enum {
	CONNECT_TIMEOUT_S = 10,
	HOST_TIMEOUT_S = 16 /* per host, if there are several: libpq tries the next one after tcp_user_timeout */
};

#define RETRY_FIRST_US INT64_C(100000)
#define MIN_LIFE_US    US_PER_SECOND /* an unusable session that was closed sooner keeps its growing wait */

static void on_io(evutil_socket_t fd, short what, void *context);
static void on_retry(evutil_socket_t fd, short what, void *context);
static void on_continue(evutil_socket_t fd, short what, void *context);

/* ---- life ---- */

static void set_pairs(struct pg_session *session, const struct config_pairs *conninfo)
{
	/* Detects within seconds that a server has vanished. The configuration overrides these. */
	static const char *const defaults[][2] = {{"connect_timeout", "10"},  {"tcp_user_timeout", "15000"},
	                                          {"keepalives_idle", "10"},  {"keepalives_interval", "5"},
	                                          {"keepalives_count", "2"},  {"fallback_application_name", "kpid"},
	                                          {"client_encoding", "UTF8"}};
	enum { N_DEFAULTS = sizeof(defaults) / sizeof(defaults[0]) };
	size_t n = 0;
	session->keywords = mem_zalloc((conninfo->n + N_DEFAULTS + 1) * sizeof(char *));
	session->values = mem_zalloc((conninfo->n + N_DEFAULTS + 1) * sizeof(char *));
	for (size_t i = 0; i < N_DEFAULTS; i++) {
		session->keywords[n] = mem_strdup(defaults[i][0]);
		session->values[n++] = mem_strdup(defaults[i][1]);
	}
	for (size_t i = 0; i < conninfo->n; i++) {
		session->keywords[n] = mem_strdup(conninfo->items[i].name);
		session->values[n++] = mem_strdup(conninfo->items[i].value);
	}
}

/* For all hosts together. */
static int connect_timeout_s(const struct pg_session *session)
{
	int n_hosts = 1;
	for (size_t i = 0; session->keywords[i] != NULL; i++) {
		int n = 1;
		if (strcmp(session->keywords[i], "host") != 0 && strcmp(session->keywords[i], "hostaddr") != 0)
			continue;
		for (const char *at = session->values[i]; *at != '\0'; at++)
			n += *at == ',';
		n_hosts = n > n_hosts ? n : n_hosts;
	}
	return n_hosts == 1 ? CONNECT_TIMEOUT_S : n_hosts * HOST_TIMEOUT_S;
}

struct pg_session *pg_session_new(struct event_base *base, const struct config_pairs *conninfo, const char *name,
                                  const struct pg_session_events *events)
{
	struct pg_session *session = mem_zalloc(sizeof(*session));
	session->base = base;
	session->name = mem_strdup(name);
	session->events = *events;
	session->needed_role = "kpid_writer";
	backoff_init(&session->backoff, RETRY_FIRST_US);
	session->retry = evtimer_new(base, on_retry, session);
	session->continue_timer = evtimer_new(base, on_continue, session);
	session->silence = evtimer_new(base, pipeline_on_silence, session);
	set_pairs(session, conninfo);
	session->connect_timeout_s = connect_timeout_s(session);
	return session;
}

static void disconnect(struct pg_session *session)
{
	session->generation++;
	pipeline_forget(session);
	evtimer_del(session->continue_timer);
	PQclear(session->continuation.result);
	session->continuation = (struct continuation){.fn = NULL};
	session->n_prepared = 0;
	session->broken = session->silence_logged = false;
	counts.sessions_ready -= session->phase == PHASE_READY;
	session->refusal[0] = '\0';
	session->close_reason.is_set = session->close_reason.was_logged = false;
	buf_clear(&session->close_reason.why);
	session->phase = PHASE_IDLE;
	if (session->io != NULL)
		event_free(session->io);
	session->io = NULL;
	PQfinish(session->conn);
	session->conn = NULL;
}

void pg_session_free(struct pg_session *session)
{
	if (session == NULL)
		return;
	disconnect(session);
	event_free(session->retry);
	event_free(session->continue_timer);
	event_free(session->silence);
	buf_release(&session->close_reason.why);
	buf_release(&session->trouble);
	for (size_t i = 0; session->keywords[i] != NULL; i++) {
		free((char *)session->keywords[i]);
		free((char *)session->values[i]);
	}
	free((void *)session->keywords);
	free((void *)session->values);
	free(session->name);
	free(session);
}

void pg_session_set_needed_role(struct pg_session *session, const char *role)
{
	session->needed_role = role;
}

void pg_session_on_unusable(struct pg_session *session,
                            void (*unusable)(void *context, enum sql_error fault, const char *reason))
{
	session->unusable = unusable;
}

void pg_session_set_reader(struct pg_session *session, int timeout_ms, bool calls)
{
	session->reader_calls = calls;
	session->reader_timeout_ms = timeout_ms;
}

void pg_session_set_by_keys(struct pg_session *session)
{
	session->by_keys = true;
}

void pg_session_listen(struct pg_session *session, const char *channel, void (*notified)(void *context))
{
	int length = snprintf(session->listen, sizeof(session->listen), "LISTEN %s", channel);
	KPID_CHECK((size_t)length < sizeof(session->listen));
	session->notified = notified;
}

bool pg_session_is_ready(const struct pg_session *session)
{
	return session->phase == PHASE_READY;
}

const char *pg_session_trouble(const struct pg_session *session)
{
	return session->trouble.len_bytes == 0 ? NULL : session->trouble.data;
}

const unsigned *pg_session_row_types(const struct pg_session *session)
{
	return session->row_types;
}

/* ---- connecting ---- */

static void retry_later(struct pg_session *session)
{
	int64_t wait_us = backoff_add_failure(&session->backoff, monotonic_clock_us(), false);
	/* With jitter, so that many sessions do not reconnect at once. */
	wait_us = wait_us / 2 + random() % (wait_us / 2 + 1);
	timer_start(session->retry, wait_us);
}

void session_set_close_reason(struct pg_session *session, enum sql_error fault, const char *why, const char *sqlstate)
{
	struct close_reason *reason = &session->close_reason;
	if (reason->is_set)
		return;
	reason->is_set = true;
	reason->fault = fault;
	buf_clear(&reason->why);
	buf_add_str(&reason->why, why);
	pg_add_remedy(&reason->why, sqlstate, PQuser(session->conn), session->needed_role);
}

/* Logs each kind of fault once, until the server is usable again. */
static void log_close_reason(struct pg_session *session, enum sql_error fault, const char *why)
{
	uint32_t bit = UINT32_C(1) << fault;
	if ((session->logged_faults & bit) != 0)
		return;
	session->logged_faults |= bit;
	if (fault == SQL_READ_ONLY || fault == SQL_NO_RESOURCES || sql_error_lasts(fault))
		log_error("PostgreSQL (%s) cannot be used: %s", session->name, why);
	else
		log_error("PostgreSQL (%s) is unreachable: %s; retrying until it is back", session->name, why);
}

/* Closes the connection for the reason that session_set_close_reason() was given. */
static void connection_lost(struct pg_session *session)
{
	bool was_ready = session->phase == PHASE_READY;
	enum sql_error fault = session->close_reason.fault;
	struct buf why = session->close_reason.why;
	session->close_reason.why = (struct buf)BUF_INIT;
	if (!session->close_reason.was_logged)
		log_close_reason(session, fault, buf_text(&why).ptr);
	buf_clear(&session->trouble);
	buf_add_text(&session->trouble, buf_text(&why));
	/* After an unusable session the next one may be unusable too: keep the growing wait. */
	bool unusable =
	        session->close_reason.was_logged && monotonic_clock_us() - session->ready_since_us < MIN_LIFE_US;
	if (was_ready && !unusable)
		backoff_reset(&session->backoff);
	disconnect(session);
	retry_later(session);
	counts.sessions_lost += was_ready;
	if (was_ready)
		session->events.lost(session->events.context, buf_text(&why).ptr);
	if (session->unusable != NULL && (fault == SQL_READ_ONLY || sql_error_lasts(fault)))
		session->unusable(session->events.context, fault, buf_text(&why).ptr);
	buf_release(&why);
}

/* Closes the connection with the message of libpq, or with the given one if that is empty. */
static void lost_by_libpq(struct pg_session *session, const char *otherwise)
{
	const char *message = PQerrorMessage(session->conn);
	char sqlstate[SQLSTATE_BYTES] = "";
	struct buf why = BUF_INIT;
	if (message[0] == '\0' && otherwise != NULL)
		buf_add_str(&why, otherwise);
	else
		pg_add_message(&why, message);
	(void)sqlstate_in_message(message, sqlstate);
	session_set_close_reason(session, sql_error_of(sqlstate), buf_text(&why).ptr, sqlstate);
	buf_release(&why);
	connection_lost(session);
}

void session_watch(struct pg_session *session, short events)
{
	if (session->io != NULL && session->io_events == events)
		return;
	if (session->io != NULL)
		event_free(session->io);
	session->io = event_new(session->base, PQsocket(session->conn), (short)(events | EV_PERSIST), on_io, session);
	session->io_events = events;
	event_add(session->io, NULL);
}

bool pg_row_types_get(const PGresult *result, unsigned types_out[PG_N_ROW_TYPES])
{
	if (!pg_result_ok(result) || PQntuples(result) != 1 || PQnfields(result) != PG_N_ROW_TYPES)
		return false;
	for (int i = 0; i < PG_N_ROW_TYPES; i++)
		types_out[i] = (unsigned)pg_get_int4(result, 0, i);
	return true;
}

/* Checks whether the session can write. */
static void on_begun(void *context, PGresult *result)
{
	struct pg_session *session = context;
	if (!pg_result_ok(result) || session->reader_timeout_ms != 0)
		return; /* deliver() has noted why; or the session only reads */
	if (pg_get_bool(result, 0, SESSION_BEGIN_IN_RECOVERY))
		session_set_close_reason(session, SQL_READ_ONLY, "this server is a standby and takes no writes",
		                         SQLSTATE_READ_ONLY);
	else if (pg_get_bool(result, 0, SESSION_BEGIN_READ_ONLY))
		session_set_close_reason(
		        session, SQL_READ_ONLY,
		        "transactions are read-only here: default_transaction_read_only is on for the role, the "
		        "database or the server; switch it off",
		        NULL);
}

static void on_row_types(void *context, PGresult *result)
{
	struct pg_session *session = context;
	if (pg_result_ok(result) && !pg_row_types_get(result, session->row_types))
		session_set_close_reason(session, SQL_SET_UP, "the tables are not those of this version of kpid",
		                         SQLSTATE_NO_TABLE);
}

static void on_set_up(void *context, PGresult *result)
{
	struct pg_session *session = context;
	(void)result;
	if (session->close_reason.is_set) {
		connection_lost(session);
		return;
	}
	session->phase = PHASE_READY;
	counts.sessions_ready++;
	session->ready_since_us = monotonic_clock_us();
	if (session->logged_faults != 0)
		log_info("PostgreSQL (%s) is back", session->name);
	session->logged_faults = 0;
	session->events.ready(session->events.context);
}

static void set_up_writer(struct pg_session *session)
{
	if (session->by_keys)
		pg_session_command(session, "SET enable_seqscan = off", NULL, NULL);
	pg_session_query(session, "queries/session_setup.sql", NULL, 0, on_row_types, session);
}

static void set_up_reader(struct pg_session *session)
{
	char timeout[16];
	snprintf(timeout, sizeof(timeout), "%d", session->reader_timeout_ms);
	const struct pg_param params[SESSION_READER_N_PARAMS] = {
	        [SESSION_READER_PARAM_READ_ONLY] = pg_param_c_string(session->reader_calls ? "off" : "on"),
	        [SESSION_READER_PARAM_TIMEOUT_MS] = pg_param_c_string(timeout)};
	pg_session_query(session, "queries/session_reader.sql", params, SESSION_READER_N_PARAMS, NULL, NULL);
}

static void connected(struct pg_session *session)
{
	PQsetErrorVerbosity(session->conn, PQERRORS_DEFAULT);
	if (PQsetnonblocking(session->conn, 1) != 0 || PQenterPipelineMode(session->conn) != 1) {
		lost_by_libpq(session, NULL);
		return;
	}
	session->phase = PHASE_SETTING_UP;
	session_watch(session, EV_READ);
	pg_session_query(session, "queries/session_begin.sql", NULL, 0, on_begun, session);
	if (session->reader_timeout_ms != 0)
		set_up_reader(session);
	else
		set_up_writer(session);
	if (session->notified != NULL)
		pg_session_command(session, session->listen, NULL, NULL);
	pg_session_sync(session, on_set_up, session);
}

static void poll_connecting(struct pg_session *session)
{
	switch (PQconnectPoll(session->conn)) {
	case PGRES_POLLING_READING:
		/* With several hosts, libpq may have changed the socket. */
		session->io_events = 0;
		session_watch(session, EV_READ);
		break;
	case PGRES_POLLING_WRITING:
		session->io_events = 0;
		session_watch(session, EV_WRITE);
		break;
	case PGRES_POLLING_OK:
		event_del(session->retry);
		session->io_events = 0;
		connected(session);
		break;
	default:
		lost_by_libpq(session, NULL);
		break;
	}
}

void pg_session_start(struct pg_session *session)
{
	session->conn = PQconnectStartParams(session->keywords, session->values, 0);
	if (session->conn == NULL || PQstatus(session->conn) == CONNECTION_BAD) {
		lost_by_libpq(session, "out of memory");
		return;
	}
	PQsetErrorVerbosity(session->conn, PQERRORS_VERBOSE); /* includes the SQLSTATE of a refused connection */
	session->phase = PHASE_CONNECTING;
	session_watch(session, EV_WRITE);
	/* libpq applies connect_timeout to blocking connects only. */
	struct timeval timeout = {session->connect_timeout_s, 0};
	event_add(session->retry, &timeout);
}

void session_break(struct pg_session *session)
{
	session->broken = true;
	event_active(session->io, EV_READ, 0);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct pg_session *session = context;
	(void)fd, (void)what;
	if (session->phase == PHASE_CONNECTING) {
		session_set_close_reason(session, SQL_TRANSIENT, "connection timed out", NULL);
		connection_lost(session);
	} else {
		pg_session_start(session);
	}
}

void pg_session_reopen(struct pg_session *session)
{
	if (session->phase != PHASE_READY)
		return;
	session_set_close_reason(session, SQL_TRANSIENT, "the session is reopened", NULL);
	session->close_reason.was_logged = true;
	session_break(session);
}

/* ---- answers ---- */

static void take_notifications(struct pg_session *session)
{
	bool any = false;
	for (PGnotify *notification; (notification = PQnotifies(session->conn)) != NULL; PQfreemem(notification))
		any = true;
	if (any && session->notified != NULL && session->phase == PHASE_READY)
		session->notified(session->events.context);
}

static void take_answers(struct pg_session *session)
{
	unsigned generation = session->generation;
	bool alive = PQconsumeInput(session->conn) == 1;
	if (!session->broken)
		pipeline_read(session);
	if (session->generation != generation)
		return;
	if (session->close_reason.is_set && session->phase == PHASE_READY) {
		connection_lost(session);
	} else if (session->broken) {
		lost_by_libpq(session, "a statement could not be sent");
	} else if (!alive || PQstatus(session->conn) == CONNECTION_BAD) {
		lost_by_libpq(session, "the connection could not be read");
	} else {
		pipeline_flush(session);
		take_notifications(session);
	}
}

/* ---- callbacks on the event loop ---- */

static struct callback_timer begin_callbacks(struct pg_session *session)
{
	session->callbacks_since_us = monotonic_clock_us();
	return callback_timer_start(session->callbacks_since_us);
}

static void end_callbacks(const struct pg_session *session, struct callback_timer start)
{
	callback_timer_stop(start, "answers of PostgreSQL to the session", session->name, monotonic_clock_us());
}

static void on_io(evutil_socket_t fd, short what, void *context)
{
	struct pg_session *session = context;
	(void)fd, (void)what;
	if (session->phase == PHASE_CONNECTING) {
		poll_connecting(session);
		return;
	}
	struct callback_timer start = begin_callbacks(session);
	take_answers(session);
	end_callbacks(session, start);
}

bool pg_session_should_yield(const struct pg_session *session)
{
	enum { MAX_US = 50 * 1000 };
	return monotonic_clock_us() - session->callbacks_since_us > MAX_US;
}

void pg_session_yield(struct pg_session *session, PGresult *result, pg_result_fn fn, void *context)
{
	static const struct timeval now = {0, 0};
	session->continuation = (struct continuation){fn, context, result};
	evtimer_add(session->continue_timer, &now);
}

static void continue_callback(struct pg_session *session)
{
	unsigned generation = session->generation;
	struct continuation next = session->continuation;
	session->continuation = (struct continuation){.fn = NULL};
	next.fn(next.context, next.result);
	if (session->continuation.fn != NULL)
		return;
	PQclear(next.result);
	if (session->generation == generation)
		take_answers(session);
}

static void on_continue(evutil_socket_t fd, short what, void *context)
{
	struct pg_session *session = context;
	(void)fd, (void)what;
	struct callback_timer start = begin_callbacks(session);
	continue_callback(session);
	end_callbacks(session, start);
}
