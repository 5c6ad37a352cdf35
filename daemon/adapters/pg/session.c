#include "adapters/pg/session.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/port/sql_files.h"

enum { FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 5000, N_STATEMENTS = 64, CONNECT_TIMEOUT_S = 10 };

struct pending {
	struct pending *next;
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

struct pg_session {
	struct event_base *base;
	const char **keywords, **values;
	char *name;
	struct pg_session_events events;
	PGconn *conn;
	struct event *io, *retry, *next_turn;
	struct turn turn;
	int64_t turn_since_us; /* monotonic: since when callbacks have run without a break */
	short io_events;
	enum phase phase;
	int pause_ms;
	bool said_away;
	struct pending *first, *last;
	const char *prepared[N_STATEMENTS]; /* NULL: its place is free */
	int n_prepared;
	unsigned row_types[PG_N_ROW_TYPES];
	bool broken;         /* something could not be sent: no more is, and the loop closes the connection */
	unsigned generation; /* raised with every connection: tells a callback that the session was lost under it */
};

static int64_t monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void on_io(evutil_socket_t fd, short what, void *context);
static void on_retry(evutil_socket_t fd, short what, void *context);
static void on_next_turn(evutil_socket_t fd, short what, void *context);

/* ---- statements ---- */

const char *pg_sql_text(const char *file)
{
	for (const struct sql_file *candidate = sql_files; candidate->name != NULL; candidate++)
		if (strcmp(candidate->name, file) == 0)
			return candidate->text;
	log_error("sql/%s is not part of this program", file);
	abort();
}

bool pg_result_ok(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

size_t pg_result_affected(PGresult *result)
{
	return strtoul(PQcmdTuples(result), NULL, 10);
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
	set_pairs(session, conninfo);
	return session;
}

static void forget_pending(struct pg_session *session)
{
	for (struct pending *pending = session->first, *next; pending != NULL; pending = next) {
		next = pending->next;
		free(pending);
	}
	session->first = session->last = NULL;
}

static void disconnect(struct pg_session *session)
{
	session->generation++;
	forget_pending(session);
	evtimer_del(session->next_turn);
	PQclear(session->turn.result);
	session->turn = (struct turn){.fn = NULL};
	session->n_prepared = 0;
	session->broken = false;
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
	for (size_t i = 0; session->keywords[i] != NULL; i++) {
		free((char *)session->keywords[i]);
		free((char *)session->values[i]);
	}
	free((void *)session->keywords);
	free((void *)session->values);
	free(session->name);
	free(session);
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

static void connection_lost(struct pg_session *session, const char *reason)
{
	bool was_ready = session->phase == PHASE_READY;
	char why[512];
	size_t len = strcspn(reason, "\n");
	len = len < sizeof(why) - 1 ? len : sizeof(why) - 1;
	memcpy(why, reason, len);
	why[len] = '\0';
	disconnect(session);
	if (!session->said_away)
		log_error("PostgreSQL (%s) is away: %s; trying again until it is back", session->name, why);
	session->said_away = true;
	retry_later(session);
	if (was_ready)
		session->events.lost(session->events.context, why);
}

static void watch(struct pg_session *session, short events)
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

static void on_row_types(void *context, PGresult *result)
{
	struct pg_session *session = context;
	/* If not, a database without our tables: said where the set-up ends. */
	if (pg_row_types_get(result, session->row_types))
		session->phase = PHASE_READY;
}

static void on_set_up(void *context, PGresult *result)
{
	struct pg_session *session = context;
	(void)result;
	if (session->phase != PHASE_READY) {
		connection_lost(session, "the database has no tables of kpid: run `kpid migrate up` first");
		return;
	}
	session->pause_ms = FIRST_PAUSE_MS;
	if (session->said_away)
		log_info("PostgreSQL (%s) is back", session->name);
	session->said_away = false;
	session->events.ready(session->events.context);
}

static void connected(struct pg_session *session)
{
	if (PQsetnonblocking(session->conn, 1) != 0 || PQenterPipelineMode(session->conn) != 1) {
		connection_lost(session, PQerrorMessage(session->conn));
		return;
	}
	session->phase = PHASE_SETTING_UP;
	watch(session, EV_READ);
	pg_session_query(session, "queries/session_setup.sql", NULL, 0, on_row_types, session);
	pg_session_sync(session, on_set_up, session);
}

static void poll_connecting(struct pg_session *session)
{
	switch (PQconnectPoll(session->conn)) {
	case PGRES_POLLING_READING:
		/* libpq may have changed the socket (several hosts): watch it anew. */
		session->io_events = 0;
		watch(session, EV_READ);
		break;
	case PGRES_POLLING_WRITING:
		session->io_events = 0;
		watch(session, EV_WRITE);
		break;
	case PGRES_POLLING_OK:
		event_del(session->retry);
		session->io_events = 0;
		connected(session);
		break;
	default:
		connection_lost(session, PQerrorMessage(session->conn));
		break;
	}
}

void pg_session_start(struct pg_session *session)
{
	session->conn = PQconnectStartParams(session->keywords, session->values, 0);
	if (session->conn == NULL || PQstatus(session->conn) == CONNECTION_BAD) {
		connection_lost(session, session->conn == NULL ? "out of memory" : PQerrorMessage(session->conn));
		return;
	}
	session->phase = PHASE_CONNECTING;
	watch(session, EV_WRITE);
	/* connect_timeout is for blocking connects only. */
	struct timeval timeout = {CONNECT_TIMEOUT_S, 0};
	event_add(session->retry, &timeout);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct pg_session *session = context;
	(void)fd, (void)what;
	if (session->phase == PHASE_CONNECTING)
		connection_lost(session, "no answer to the connection");
	else
		pg_session_start(session);
}

/* ---- queries ---- */

/* A transaction must not go on without a part of it. Its caller is in the middle of things: the loop does the rest. */
static void send_failed(struct pg_session *session)
{
	session->broken = true;
	event_active(session->io, EV_READ, 0);
}

static void flush_output(struct pg_session *session)
{
	int left = PQflush(session->conn);
	/* Why it failed shows on reading, with what the server had to say. */
	watch(session, left == 1 ? EV_READ | EV_WRITE : EV_READ);
	if (left < 0)
		send_failed(session);
}

static void push_pending(struct pg_session *session, struct pending pending)
{
	struct pending *copy = mem_alloc(sizeof(*copy));
	*copy = pending;
	copy->next = NULL;
	if (session->last == NULL)
		session->first = copy;
	else
		session->last->next = copy;
	session->last = copy;
}

static void statement_name(int index, char out[16])
{
	snprintf(out, 16, "q%d", index);
}

static int statement_place(struct pg_session *session)
{
	for (int i = 0; i < session->n_prepared; i++)
		if (session->prepared[i] == NULL)
			return i;
	if (session->n_prepared == N_STATEMENTS) {
		log_error("more than %d statements on one connection", N_STATEMENTS);
		abort();
	}
	return session->n_prepared++;
}

static int prepare(struct pg_session *session, const char *file)
{
	for (int i = 0; i < session->n_prepared; i++)
		if (session->prepared[i] == file ||
		    (session->prepared[i] != NULL && strcmp(session->prepared[i], file) == 0))
			return i;
	int index = statement_place(session);
	char name[16];
	statement_name(index, name);
	session->prepared[index] = file;
	if (PQsendPrepare(session->conn, name, pg_sql_text(file), 0, NULL) == 1)
		push_pending(session, (struct pending){.is_prepare = true, .statement = index});
	else
		send_failed(session);
	return index;
}

static bool can_send(const struct pg_session *session)
{
	return session->conn != NULL && !session->broken;
}

void pg_session_query(struct pg_session *session, const char *file, const struct pg_param *params, int n_params,
                      pg_result_fn fn, void *context)
{
	enum { MOST_PARAMS = 24 };
	const char *values[MOST_PARAMS] = {0};
	int lengths[MOST_PARAMS] = {0}, formats[MOST_PARAMS] = {0};
	for (int i = 0; i < n_params && i < MOST_PARAMS; i++) {
		values[i] = params[i].value;
		lengths[i] = params[i].len_bytes;
		formats[i] = params[i].binary;
	}
	if (!can_send(session))
		return;
	char name[16];
	statement_name(prepare(session, file), name);
	if (session->broken)
		return;
	if (PQsendQueryPrepared(session->conn, name, n_params, values, lengths, formats, 1) == 1) {
		push_pending(session, (struct pending){.fn = fn, .context = context});
		flush_output(session);
	} else {
		send_failed(session);
	}
}

void pg_session_command(struct pg_session *session, const char *sql, pg_result_fn fn, void *context)
{
	if (!can_send(session))
		return;
	if (PQsendQueryParams(session->conn, sql, 0, NULL, NULL, NULL, NULL, 1) == 1) {
		push_pending(session, (struct pending){.fn = fn, .context = context});
		flush_output(session);
	} else {
		send_failed(session);
	}
}

void pg_session_sync(struct pg_session *session, pg_result_fn fn, void *context)
{
	if (!can_send(session))
		return;
	if (PQpipelineSync(session->conn) == 1) {
		push_pending(session, (struct pending){.fn = fn, .context = context, .is_sync = true});
		flush_output(session);
	} else {
		send_failed(session);
	}
}

void pg_session_flush(struct pg_session *session)
{
	if (!can_send(session))
		return;
	if (PQsendFlushRequest(session->conn) == 1)
		flush_output(session);
	else
		send_failed(session);
}

/* ---- results ---- */

static struct pending pop_pending(struct pg_session *session)
{
	struct pending *first = session->first, copy = *first;
	session->first = first->next;
	if (session->first == NULL)
		session->last = NULL;
	/* Skipped after an error before it: the server does not know it. */
	if (copy.is_prepare && !copy.is_prepared)
		session->prepared[copy.statement] = NULL;
	free(first);
	return copy;
}

/* What is left before a sync was skipped after an error. libpq does not always give each skipped query its two
 * results: when another is sent from a callback, the NULL that ends the one before is left out. */
static struct pending pop_sync(struct pg_session *session)
{
	while (!session->first->is_sync && session->first->next != NULL)
		pop_pending(session);
	return pop_pending(session);
}

/* One result to its callback. A query is done with the NULL after it, a sync with its one result. */
static void deliver(struct pg_session *session, PGresult *result)
{
	struct pending *pending = session->first;
	if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
		struct pending sync = pop_sync(session);
		if (sync.fn != NULL)
			sync.fn(sync.context, result);
		return;
	}
	if (pending->is_sync) {
		/* Of no query: the server says why it is about to close the connection. */
		log_debug("PostgreSQL (%s): %s", session->name, PQresultErrorMessage(result));
		return;
	}
	if (pending->is_prepare && PQresultStatus(result) == PGRES_COMMAND_OK)
		pending->is_prepared = true;
	if (pending->is_prepare && PQresultStatus(result) == PGRES_FATAL_ERROR && !session->said_away)
		log_error("PostgreSQL (%s) refused a statement: %s", session->name, PQresultErrorMessage(result));
	if (pending->fn != NULL)
		pending->fn(pending->context, result);
}

static void read_results(struct pg_session *session)
{
	unsigned generation = session->generation;
	while (session->turn.fn == NULL && session->first != NULL && PQisBusy(session->conn) == 0) {
		PGresult *result = PQgetResult(session->conn);
		if (result == NULL) {
			if (session->first->is_sync)
				break;
			pop_pending(session);
			continue;
		}
		deliver(session, result);
		if (session->turn.fn == NULL)
			PQclear(result);
		if (session->generation != generation || session->broken)
			return; /* the callback closed the connection, or could not send */
	}
}

static void on_io(evutil_socket_t fd, short what, void *context)
{
	struct pg_session *session = context;
	(void)fd, (void)what;
	if (session->phase == PHASE_CONNECTING) {
		poll_connecting(session);
		return;
	}
	unsigned generation = session->generation;
	session->turn_since_us = monotonic_us();
	bool alive = PQconsumeInput(session->conn) == 1;
	if (!session->broken)
		read_results(session);
	if (session->generation != generation)
		return;
	const char *words = PQerrorMessage(session->conn);
	if (session->broken)
		connection_lost(session, words[0] == '\0' ? "a statement could not be sent" : words);
	else if (!alive || PQstatus(session->conn) == CONNECTION_BAD)
		connection_lost(session, words[0] == '\0' ? "the connection could not be read" : words);
	else
		flush_output(session);
}

/* ---- turns of the loop ---- */

bool pg_session_turn_is_over(const struct pg_session *session)
{
	enum { TURN_US = 50 * 1000 };
	return monotonic_us() - session->turn_since_us > TURN_US;
}

void pg_session_take_turn(struct pg_session *session, PGresult *result, pg_result_fn fn, void *context)
{
	static const struct timeval now = {0, 0};
	session->turn = (struct turn){fn, context, result};
	evtimer_add(session->next_turn, &now);
}

static void on_next_turn(evutil_socket_t fd, short what, void *context)
{
	struct pg_session *session = context;
	unsigned generation = session->generation;
	struct turn turn = session->turn;
	session->turn = (struct turn){.fn = NULL};
	session->turn_since_us = monotonic_us();
	turn.fn(turn.context, turn.result);
	if (session->turn.fn != NULL)
		return;
	PQclear(turn.result);
	if (session->generation == generation)
		on_io(fd, what, session);
}
