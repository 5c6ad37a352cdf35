#include "adapters/pg/session.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/pg/session_internal.h"
#include "adapters/pg/words.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/base/turns.h"

enum {
	FIRST_PAUSE_MS = 100,
	LONGEST_PAUSE_MS = 5000,
	CONNECT_TIMEOUT_S = 10,
	HOST_TIMEOUT_S = 16 /* of several hosts: libpq leaves a silent one after tcp_user_timeout, and asks the next */
};

#define LIVED_US SECOND_US /* a session that is left sooner is opened again with a growing pause */

static void on_io(evutil_socket_t fd, short what, void *context);
static void on_retry(evutil_socket_t fd, short what, void *context);
static void on_next_turn(evutil_socket_t fd, short what, void *context);

int64_t session_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

/* ---- life ---- */

static void set_pairs(struct pg_session *session, const struct config_pairs *conninfo)
{
	/* A server that vanished without a word is noticed within seconds; what the file says wins. */
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

/* Of several hosts, for all of them together. */
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
	session->pause_ms = FIRST_PAUSE_MS;
	session->retry = evtimer_new(base, on_retry, session);
	session->next_turn = evtimer_new(base, on_next_turn, session);
	session->silence = evtimer_new(base, pipeline_on_silence, session);
	set_pairs(session, conninfo);
	session->connect_timeout_s = connect_timeout_s(session);
	return session;
}

static void disconnect(struct pg_session *session)
{
	session->generation++;
	pipeline_forget(session);
	evtimer_del(session->next_turn);
	PQclear(session->turn.result);
	session->turn = (struct turn){.fn = NULL};
	session->n_prepared = 0;
	session->broken = session->said_silent = false;
	session->refusal[0] = '\0';
	session->trouble.is_so = session->trouble.was_logged = false;
	buf_clear(&session->trouble.why);
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
	event_free(session->next_turn);
	event_free(session->silence);
	buf_release(&session->trouble.why);
	for (size_t i = 0; session->keywords[i] != NULL; i++) {
		free((char *)session->keywords[i]);
		free((char *)session->values[i]);
	}
	free((void *)session->keywords);
	free((void *)session->values);
	free(session->name);
	free(session);
}

void pg_session_on_unusable(struct pg_session *session,
                            void (*unusable)(void *context, enum sql_fault fault, const char *reason))
{
	session->unusable = unusable;
}

bool pg_session_is_ready(const struct pg_session *session)
{
	return session->phase == PHASE_READY;
}

const unsigned *pg_session_row_types(const struct pg_session *session)
{
	return session->row_types;
}

/* ---- connecting ---- */

static void retry_later(struct pg_session *session)
{
	/* Spread out, so that many sessions do not come back as one. */
	int pause_ms = session->pause_ms / 2 + (int)(random() % (session->pause_ms / 2 + 1));
	struct timeval pause = {pause_ms / 1000, (pause_ms % 1000) * 1000};
	event_add(session->retry, &pause);
	session->pause_ms = session->pause_ms * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : session->pause_ms * 2;
}

void session_set_trouble(struct pg_session *session, enum sql_fault fault, const char *why, const char *sqlstate)
{
	struct trouble *trouble = &session->trouble;
	if (trouble->is_so)
		return;
	trouble->is_so = true;
	trouble->fault = fault;
	buf_clear(&trouble->why);
	buf_add_str(&trouble->why, why);
	pg_add_remedy(&trouble->why, sqlstate, PQuser(session->conn));
}

/* Each kind of reason once, until the server is there again. */
static void say_trouble(struct pg_session *session, enum sql_fault fault, const char *why)
{
	uint32_t bit = UINT32_C(1) << fault;
	if ((session->said & bit) != 0)
		return;
	session->said |= bit;
	if (fault == SQL_READ_ONLY || sql_fault_lasts(fault))
		log_error("PostgreSQL (%s) cannot be used: %s", session->name, why);
	else
		log_error("PostgreSQL (%s) is away: %s; trying again until it is back", session->name, why);
}

/* As session_set_trouble() said why. */
static void connection_lost(struct pg_session *session)
{
	bool was_ready = session->phase == PHASE_READY;
	enum sql_fault fault = session->trouble.fault;
	struct buf why = session->trouble.why;
	session->trouble.why = (struct buf)BUF_INIT;
	if (!session->trouble.was_logged)
		say_trouble(session, fault, buf_text(&why).ptr);
	/* One that is left because it is of no use may find the next one to be no better. */
	bool left = session->trouble.was_logged && session_now_us() - session->ready_since_us < LIVED_US;
	if (was_ready && !left)
		session->pause_ms = FIRST_PAUSE_MS;
	disconnect(session);
	retry_later(session);
	if (was_ready)
		session->events.lost(session->events.context, buf_text(&why).ptr);
	if (session->unusable != NULL && (fault == SQL_READ_ONLY || sql_fault_lasts(fault)))
		session->unusable(session->events.context, fault, buf_text(&why).ptr);
	buf_release(&why);
}

/* What libpq says of it. */
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
	session_set_trouble(session, sql_fault_of(sqlstate), buf_text(&why).ptr, sqlstate);
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
	for (int i = 0; i < PG_N_ROW_TYPES; i++) {
		const unsigned char *oid = (const unsigned char *)PQgetvalue(result, 0, i);
		types_out[i] = (unsigned)oid[0] << 24 | (unsigned)oid[1] << 16 | (unsigned)oid[2] << 8 | oid[3];
	}
	return true;
}

/* Whether the session can write. */
static void on_begun(void *context, PGresult *result)
{
	struct pg_session *session = context;
	if (!pg_result_ok(result))
		return; /* deliver() has seen why */
	bool in_recovery = PQgetvalue(result, 0, 0)[0] != 0, read_only = PQgetvalue(result, 0, 1)[0] != 0;
	if (in_recovery)
		session_set_trouble(session, SQL_READ_ONLY, "this server is a standby and takes no writes",
		                    SQLSTATE_READ_ONLY);
	else if (read_only)
		session_set_trouble(
		        session, SQL_READ_ONLY,
		        "transactions are read-only here: default_transaction_read_only is on for the role, the "
		        "database or the server; switch it off",
		        NULL);
}

static void on_row_types(void *context, PGresult *result)
{
	struct pg_session *session = context;
	if (pg_result_ok(result) && !pg_row_types_get(result, session->row_types))
		session_set_trouble(session, SQL_SET_UP, "the tables are not those of this version", SQLSTATE_NO_TABLE);
}

static void on_set_up(void *context, PGresult *result)
{
	struct pg_session *session = context;
	(void)result;
	if (session->trouble.is_so) {
		connection_lost(session);
		return;
	}
	session->phase = PHASE_READY;
	session->ready_since_us = session_now_us();
	if (session->said != 0)
		log_info("PostgreSQL (%s) is back", session->name);
	session->said = 0;
	session->events.ready(session->events.context);
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
	pg_session_query(session, "queries/session_setup.sql", NULL, 0, on_row_types, session);
	pg_session_sync(session, on_set_up, session);
}

static void poll_connecting(struct pg_session *session)
{
	switch (PQconnectPoll(session->conn)) {
	case PGRES_POLLING_READING:
		/* libpq may have changed the socket (several hosts): watch it anew. */
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
	PQsetErrorVerbosity(session->conn, PQERRORS_VERBOSE); /* with the SQLSTATE of a connection that is refused */
	session->phase = PHASE_CONNECTING;
	session_watch(session, EV_WRITE);
	/* connect_timeout is for blocking connects only. */
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
		session_set_trouble(session, SQL_TRANSIENT, "no answer to the connection", NULL);
		connection_lost(session);
	} else {
		pg_session_start(session);
	}
}

void pg_session_reopen(struct pg_session *session)
{
	if (session->phase != PHASE_READY)
		return;
	session_set_trouble(session, SQL_TRANSIENT, "the session is opened again", NULL);
	session->trouble.was_logged = true;
	session_break(session);
}

/* ---- what comes ---- */

static void take_answers(struct pg_session *session)
{
	unsigned generation = session->generation;
	bool alive = PQconsumeInput(session->conn) == 1;
	if (!session->broken)
		pipeline_read(session);
	if (session->generation != generation)
		return;
	if (session->trouble.is_so && session->phase == PHASE_READY)
		connection_lost(session);
	else if (session->broken)
		lost_by_libpq(session, "a statement could not be sent");
	else if (!alive || PQstatus(session->conn) == CONNECTION_BAD)
		lost_by_libpq(session, "the connection could not be read");
	else
		pipeline_flush(session);
}

/* ---- turns of the loop ---- */

static struct turn_start begin_turn(struct pg_session *session)
{
	session->turn_since_us = session_now_us();
	return turn_begin(session->turn_since_us);
}

static void end_turn(const struct pg_session *session, struct turn_start start)
{
	turn_end(start, "answers of PostgreSQL to the session", session->name, session_now_us());
}

static void on_io(evutil_socket_t fd, short what, void *context)
{
	struct pg_session *session = context;
	(void)fd, (void)what;
	if (session->phase == PHASE_CONNECTING) {
		poll_connecting(session);
		return;
	}
	struct turn_start start = begin_turn(session);
	take_answers(session);
	end_turn(session, start);
}

bool pg_session_turn_is_over(const struct pg_session *session)
{
	enum { TURN_US = 50 * 1000 };
	return session_now_us() - session->turn_since_us > TURN_US;
}

void pg_session_take_turn(struct pg_session *session, PGresult *result, pg_result_fn fn, void *context)
{
	static const struct timeval now = {0, 0};
	session->turn = (struct turn){fn, context, result};
	evtimer_add(session->next_turn, &now);
}

static void go_on(struct pg_session *session)
{
	unsigned generation = session->generation;
	struct turn turn = session->turn;
	session->turn = (struct turn){.fn = NULL};
	turn.fn(turn.context, turn.result);
	if (session->turn.fn != NULL)
		return;
	PQclear(turn.result);
	if (session->generation == generation)
		take_answers(session);
}

static void on_next_turn(evutil_socket_t fd, short what, void *context)
{
	struct pg_session *session = context;
	(void)fd, (void)what;
	struct turn_start start = begin_turn(session);
	go_on(session);
	end_turn(session, start);
}
