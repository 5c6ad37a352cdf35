/* Replaces adapters/pg/session.c and the results of libpq: a session of the daemon, and behind it a connection of the
 * server, which may outlive the session. The server may have done more than the session knows. */
#include "adapters/pg/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/channels.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"
#include "sim.h"

enum { FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 5000, LOCK_TIMEOUT_US = 5000000, STANDS_STILL_US = 5000000 };

static const struct {
	const char *sql;
	int64_t timeout_us;
} lock_timeouts[] = {{"SET LOCAL lock_timeout = '1s'", 1000000},
                     {"SET LOCAL lock_timeout = '3s'", 3000000},
                     {"SET LOCAL lock_timeout = '30s'", 30000000},
                     {"SET LOCAL lock_timeout = '300ms'", 300000}};

enum op_kind { OP_QUERY, OP_COMMAND, OP_SYNC, OP_FLUSH };

struct op {
	struct op *next;
	enum op_kind kind;
	struct statement statement; /* a command has only the file, which is its text */
	pg_result_fn fn;
	void *context;
};

struct queue {
	struct op *first, *last;
};

struct connection {
	struct connection *next;
	struct pg_session *session; /* NULL: the client is gone */
	struct sim_instance *instance;
	struct transaction transaction;
	struct queue sent, answered;
	size_t n_sent, n_to_deliver; /* of the answers: those that were asked for */
	size_t n_answered;
	bool open, in_block, failed; /* a transaction is open; BEGIN opened it; it has failed */
	bool skipping;               /* until the next sync */
	bool closed;
	int64_t number, idle_since_us, waits_since_us;
	int64_t lock_timeout_us; /* of this transaction; 0: that of the session */
	struct sim_plan *step, *deliver, *turn;
	pg_result_fn turn_fn; /* NULL: no callback has postponed its work */
	void *turn_context;
	PGresult *turn_result;
};

enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_READY };

struct pg_session {
	struct pg_session *next;
	struct sim_instance *instance;
	const char *name;
	struct pg_session_events events;
	struct connection *connection;
	enum phase phase;
	int pause_ms;
	struct sim_plan *retry;
	const char *refusal; /* SQLSTATE of the first one since the last sync; "": none */
	const char *channel; /* NULL: none */
	void (*notified)(void *context);
};

static struct connection *connections;
static struct pg_session *sessions;
static int64_t down_until_us, n_connections;

void sessions_start(void)
{
	connections = NULL;
	sessions = NULL;
	down_until_us = n_connections = 0;
}

static void step(void *context);

static void plan_step(struct connection *connection)
{
	if (connection->step != NULL || connection->closed)
		return;
	int64_t delay_us = sim_between(5, 400);
	if (!sim_is_calm() && sim_chance(sim_dawdles() ? 100 : 20))
		delay_us = sim_between(400, sim_chance(sim_dawdles() ? 300 : 100) ? 3000000 : 60000);
	sim_owe(delay_us);
	connection->step = sim_after(delay_us, NULL, step, connection);
}

static void push(struct queue *queue, struct op *op)
{
	op->next = NULL;
	if (queue->last == NULL)
		queue->first = op;
	else
		queue->last->next = op;
	queue->last = op;
}

static struct op *shift(struct queue *queue)
{
	struct op *op = queue->first;
	queue->first = op->next;
	if (queue->first == NULL)
		queue->last = NULL;
	return op;
}

/* ---- the server ---- */

static void notify(void *context)
{
	const struct connection *connection = context;
	struct pg_session *session = connection->session;
	if (session != NULL && session->connection == connection && session->phase == PHASE_READY)
		session->notified(session->events.context);
}

/* As after NOTIFY. */
static void notify_all(const char *channel)
{
	for (struct connection *connection = connections; connection != NULL; connection = connection->next)
		if (connection->session != NULL && connection->session->channel != NULL &&
		    strcmp(connection->session->channel, channel) == 0)
			sim_after(sim_between(5, 2000), connection->instance, notify, connection);
}

static void end_transaction(struct connection *connection, bool commit)
{
	if (connection->open && commit)
		sim_counts.commits++;
	else if (connection->open)
		sim_counts.rollbacks++;
	connection->open = connection->in_block = connection->failed = false;
	bool has_alerts = commit && connection->transaction.has_alerts;
	bool has_deadline = commit && connection->transaction.has_deadline;
	transaction_end(&connection->transaction, commit);
	if (has_alerts)
		notify_all(CHANNEL_ALERT);
	if (has_deadline)
		notify_all(CHANNEL_DEADLINE);
}

static void close_connection(struct connection *connection)
{
	if (connection->closed)
		return;
	connection->closed = true;
	sim_cancel(connection->step);
	sim_cancel(connection->deliver);
	sim_cancel(connection->turn);
	end_transaction(connection, false);
	for (struct connection **link = &connections; *link != NULL; link = &(*link)->next) {
		if (*link == connection) {
			*link = connection->next;
			break;
		}
	}
}

void sessions_wake(void)
{
	for (struct connection *connection = connections; connection != NULL; connection = connection->next)
		if (connection->transaction.waits_for != NULL) {
			sim_cancel(connection->step);
			connection->step = NULL;
			plan_step(connection);
		}
}

static PGresult *result_of(ExecStatusType status, const char *sqlstate, const char *message)
{
	PGresult *result = sim_alloc(sizeof(*result));
	result->status = status;
	result->sqlstate = sqlstate;
	result->message = message;
	return result;
}

static void answer(struct connection *connection, struct op *op)
{
	push(&connection->answered, op);
	connection->n_answered++;
}

/* The transaction fails, and the rest of the pipeline is skipped. */
static void refuse(struct connection *connection, struct op *op, const char *sqlstate, const char *message)
{
	sim_trace("  %s %s: %s", connection->instance->name, op->statement.file, message);
	op->statement.result = result_of(PGRES_FATAL_ERROR, sqlstate, message);
	bool block = connection->in_block;
	end_transaction(connection, false);
	connection->open = connection->in_block = connection->failed = block;
	connection->skipping = true;
	answer(connection, op);
	sim_counts.refused++;
}

static void command(struct connection *connection, struct op *op)
{
	const char *sql = op->statement.file;
	op->statement.result = result_of(PGRES_COMMAND_OK, NULL, sql);
	for (size_t i = 0; i < sizeof(lock_timeouts) / sizeof(lock_timeouts[0]); i++) {
		if (strcmp(sql, lock_timeouts[i].sql) == 0) {
			connection->lock_timeout_us = lock_timeouts[i].timeout_us;
			answer(connection, op);
			return;
		}
	}
	if (strcmp(sql, "BEGIN") == 0) {
		connection->open = connection->in_block = true;
		connection->lock_timeout_us = 0;
	} else {
		bool commits = strcmp(sql, "COMMIT") == 0 && connection->in_block && !connection->failed;
		if (commits && !sim_is_calm() && sim_chance(3)) {
			refuse(connection, op, "40001", "could not serialize");
			end_transaction(connection, false);
			return;
		}
		sim_trace("  %s %s", connection->instance->name, commits ? "COMMIT" : "ROLLBACK");
		end_transaction(connection, commits);
		op->statement.result->message = commits ? "COMMIT" : "ROLLBACK";
	}
	answer(connection, op);
}

static bool is_deadlock(const struct connection *connection)
{
	const struct transaction *at = &connection->transaction;
	for (int i = 0; i < 100 && at != NULL && at->waits_for != NULL; i++) {
		at = at->waits_for->owner;
		if (at == &connection->transaction)
			return true;
	}
	return false;
}

static int64_t lock_timeout(const struct connection *connection)
{
	return connection->lock_timeout_us > 0 ? connection->lock_timeout_us : LOCK_TIMEOUT_US;
}

/* Returns false if it waits. */
static bool query(struct connection *connection, struct op *op)
{
	static const char *const faults[][2] = {{"40P01", "deadlock detected"},
	                                        {"57014", "canceling statement due to statement timeout"},
	                                        {"53100", "could not extend file: no space left on device"}};
	if (connection->failed) {
		refuse(connection, op, "25P02", "current transaction is aborted");
		return true;
	}
	if (!sim_is_calm() && connection->transaction.waits_for == NULL && sim_chance(3)) {
		const char *const *fault = faults[sim_below(3)];
		refuse(connection, op, fault[0], fault[1]);
		return true;
	}
	bool waited = connection->transaction.waits_for != NULL;
	connection->open = true;
	op->statement.transaction = &connection->transaction;
	op->statement.result = result_of(PGRES_TUPLES_OK, NULL, "");
	if (statement_run(&op->statement)) {
		connection->transaction.waits_for = NULL;
		if (op->statement.refused_sqlstate != NULL) {
			refuse(connection, op, op->statement.refused_sqlstate, op->statement.refused_message);
			return true;
		}
		sim_trace("  %s %s: %d rows, %s touched", connection->instance->name, op->statement.file,
		          op->statement.result->n_rows, op->statement.result->affected);
		answer(connection, op);
		return true;
	}
	if (!waited) {
		connection->waits_since_us = sim_now_us();
		sim_counts.waits++;
		sim_trace("  %s %s waits", connection->instance->name, op->statement.file);
	}
	if (is_deadlock(connection)) {
		sim_counts.deadlocks++;
		refuse(connection, op, "40P01", "deadlock detected");
		return true;
	}
	if (sim_now_us() - connection->waits_since_us >= lock_timeout(connection)) {
		refuse(connection, op, "55P03", "canceling statement due to lock timeout");
		return true;
	}
	return false;
}

static void deliver(void *context);

static void ask_for_answers(struct connection *connection)
{
	connection->n_to_deliver = connection->n_answered;
	if (connection->deliver == NULL && connection->session != NULL)
		connection->deliver = sim_after(sim_between(5, 300), connection->instance, deliver, connection);
}

/* Returns false if it waits for a lock. */
static bool work(struct connection *connection, struct op *op)
{
	if (op->kind == OP_FLUSH) {
		ask_for_answers(connection);
	} else if (op->kind == OP_SYNC) {
		connection->skipping = false;
		if (connection->open && !connection->in_block)
			end_transaction(connection, true);
		op->statement.result = result_of(PGRES_PIPELINE_SYNC, NULL, "");
		answer(connection, op);
		ask_for_answers(connection);
	} else if (connection->skipping) {
		op->statement.result = result_of(PGRES_PIPELINE_ABORTED, NULL, "");
		answer(connection, op);
	} else if (op->kind == OP_COMMAND) {
		command(connection, op);
	} else {
		return query(connection, op);
	}
	return true;
}

static void step(void *context)
{
	struct connection *connection = context;
	connection->step = NULL;
	for (uint32_t n = 1 + sim_below(8); n > 0 && connection->sent.first != NULL; n--) {
		struct op *op = shift(&connection->sent);
		if (!work(connection, op)) {
			op->next = connection->sent.first;
			connection->sent.first = op;
			if (connection->sent.last == NULL)
				connection->sent.last = op;
			/* Continues when the lock may be free or the timeout has passed. */
			int64_t left_us = connection->waits_since_us + lock_timeout(connection) - sim_now_us();
			connection->step =
			        sim_after(sim_between(100, left_us > 100 ? left_us : 100), NULL, step, connection);
			return;
		}
		connection->n_sent--;
	}
	connection->idle_since_us = sim_now_us();
	if (connection->sent.first != NULL)
		plan_step(connection);
	else if (connection->session == NULL)
		close_connection(connection);
}

/* The client is gone. Some of the statements that it sent may arrive nevertheless. */
static void detach(struct connection *connection)
{
	if (connection == NULL)
		return;
	size_t n = connection->n_sent, kept = sim_chance(300) ? n : sim_below((uint32_t)n + 1);
	struct op *op = connection->sent.first;
	connection->session = NULL;
	sim_cancel(connection->deliver);
	sim_cancel(connection->turn);
	connection->n_sent = kept;
	if (kept == 0)
		connection->sent = (struct queue){NULL, NULL};
	for (size_t i = 1; op != NULL && i <= kept; i++, op = op->next) {
		if (op->kind == OP_COMMAND && strcmp(op->statement.file, "COMMIT") == 0)
			sim_counts.cut_commits++;
		if (i == kept) {
			op->next = NULL;
			connection->sent.last = op;
		}
	}
	if (connection->sent.first == NULL && connection->transaction.waits_for == NULL && sim_chance(500))
		close_connection(connection);
	else
		plan_step(connection);
}

int64_t sim_connection_number(const struct transaction *transaction)
{
	return transaction->connection->number;
}

bool sim_connection_is_there(int64_t number)
{
	const struct connection *connection = connections;
	while (connection != NULL && connection->number != number)
		connection = connection->next;
	return connection != NULL;
}

const char *connection_owner(const struct transaction *transaction)
{
	return transaction->connection->instance->name;
}

struct sim_instance *connection_instance(const struct transaction *transaction)
{
	return transaction->connection->instance;
}

/* ---- the session ---- */

static void on_retry(void *context);

static void retry_later(struct pg_session *session)
{
	int pause_ms = session->pause_ms / 2 + (int)sim_below((uint32_t)session->pause_ms / 2 + 1);
	session->pause_ms = session->pause_ms * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : session->pause_ms * 2;
	session->retry = sim_after(pause_ms * 1000, session->instance, on_retry, session);
}

static void lose(struct pg_session *session, const char *reason)
{
	bool was_ready = session->phase == PHASE_READY;
	detach(session->connection);
	session->connection = NULL;
	session->phase = PHASE_IDLE;
	sim_cancel(session->retry);
	retry_later(session);
	sim_trace("%s loses its session %s: %s", session->instance->name, session->name, reason);
	if (was_ready)
		session->events.lost(session->events.context, reason);
}

static void on_connected(void *context)
{
	struct pg_session *session = context;
	session->retry = NULL;
	if (sim_now_us() < down_until_us) {
		session->phase = PHASE_IDLE;
		retry_later(session);
		return;
	}
	struct connection *connection = sim_alloc(sizeof(*connection));
	connection->session = session;
	connection->instance = session->instance;
	connection->transaction.connection = connection;
	connection->idle_since_us = sim_now_us();
	connection->number = ++n_connections;
	connection->next = connections;
	connections = connection;
	session->connection = connection;
	session->phase = PHASE_READY;
	session->pause_ms = FIRST_PAUSE_MS;
	session->refusal = "";
	session->events.ready(session->events.context);
}

static void on_retry(void *context)
{
	pg_session_start(context);
}

static void call(struct op *op)
{
	if (op->fn != NULL)
		op->fn(op->context, op->statement.result);
}

static bool has_sync(const struct queue *queue)
{
	const struct op *op = queue->first;
	while (op != NULL && op->kind != OP_SYNC)
		op = op->next;
	return op != NULL;
}

/* Before a sync, libpq sometimes delivers a result for each skipped statement, and sometimes none. */
static void deliver(void *context)
{
	struct connection *connection = context;
	connection->deliver = NULL;
	while (connection->turn_fn == NULL && connection->n_to_deliver > 0 && connection->session != NULL &&
	       !sim_failed()) {
		struct op *op = shift(&connection->answered);
		connection->n_to_deliver--;
		connection->n_answered--;
		if (op->statement.result->status == PGRES_PIPELINE_ABORTED && has_sync(&connection->answered) &&
		    sim_chance(300))
			continue;
		struct pg_session *session = connection->session;
		if (op->statement.result->status == PGRES_FATAL_ERROR && session->refusal[0] == '\0')
			session->refusal = op->statement.result->sqlstate;
		call(op);
		if (op->kind == OP_SYNC && connection->session != NULL)
			session->refusal = "";
	}
}

struct pg_session *pg_session_new(struct event_base *base, const struct config_pairs *conninfo, const char *name,
                                  const struct pg_session_events *events)
{
	struct pg_session *session = mem_zalloc(sizeof(*session));
	(void)base, (void)conninfo;
	session->instance = sim_current();
	session->name = mem_strdup(name);
	session->events = *events;
	session->pause_ms = FIRST_PAUSE_MS;
	session->refusal = "";
	session->next = sessions;
	sessions = session;
	return session;
}

void pg_session_listen(struct pg_session *session, const char *channel, void (*notified)(void *context))
{
	session->channel = channel;
	session->notified = notified;
}

void pg_session_free(struct pg_session *session)
{
	if (session == NULL)
		return;
	for (struct pg_session **link = &sessions; *link != NULL; link = &(*link)->next) {
		if (*link == session) {
			*link = session->next;
			break;
		}
	}
	sim_cancel(session->retry);
	detach(session->connection);
	free((char *)(uintptr_t)session->name);
	free(session);
}

void pg_session_start(struct pg_session *session)
{
	session->phase = PHASE_CONNECTING;
	session->retry = sim_after(sim_between(500, 5000), session->instance, on_connected, session);
}

/* The simulated server refuses nothing permanently. */
void pg_session_on_unusable(struct pg_session *session,
                            void (*unusable)(void *context, enum sql_error fault, const char *reason))
{
	(void)session, (void)unusable;
}

bool pg_session_is_ready(const struct pg_session *session)
{
	return session->phase == PHASE_READY;
}

const char *pg_session_trouble(const struct pg_session *session)
{
	(void)session;
	return NULL;
}

void pg_session_reopen(struct pg_session *session)
{
	if (session->phase == PHASE_READY)
		lose(session, "it is opened again");
}

void pg_session_set_by_keys(struct pg_session *session)
{
	(void)session;
}

void pg_session_expect_collisions(struct pg_session *session, bool expected)
{
	(void)session, (void)expected;
}

const char *pg_session_refusal(const struct pg_session *session)
{
	return session->refusal;
}

static void send(struct pg_session *session, enum op_kind kind, struct op op)
{
	struct connection *connection = session->connection;
	struct op *copy = sim_alloc(sizeof(*copy));
	*copy = op;
	copy->kind = kind;
	push(&connection->sent, copy);
	connection->n_sent++;
	if (connection->transaction.waits_for == NULL)
		plan_step(connection);
}

void pg_session_query(struct pg_session *session, const char *file, const struct pg_param *params, int n_params,
                      pg_result_fn fn, void *context)
{
	struct op op = {.statement = {.file = file, .n_params = n_params}, .fn = fn, .context = context};
	for (int i = 0; i < n_params; i++)
		op.statement.params[i] =
		        params[i].value == NULL
		                ? cell_null()
		                : cell_text((struct text){params[i].value, (uint32_t)params[i].len_bytes});
	send(session, OP_QUERY, op);
}

void pg_session_command(struct pg_session *session, const char *sql, pg_result_fn fn, void *context)
{
	send(session, OP_COMMAND, (struct op){.statement = {.file = sql}, .fn = fn, .context = context});
}

void pg_session_sync(struct pg_session *session, pg_result_fn fn, void *context)
{
	send(session, OP_SYNC, (struct op){.statement = {.file = "(sync)"}, .fn = fn, .context = context});
}

void pg_session_flush(struct pg_session *session)
{
	send(session, OP_FLUSH, (struct op){.statement = {.file = "(flush)"}});
}

/* No simulated time passes in a callback, so this is random. */
bool pg_session_should_yield(const struct pg_session *session)
{
	(void)session;
	return sim_chance(100);
}

static void next_turn(void *context)
{
	struct connection *connection = context;
	pg_result_fn fn = connection->turn_fn;
	connection->turn = NULL;
	connection->turn_fn = NULL;
	fn(connection->turn_context, connection->turn_result);
	sim_cancel(connection->deliver);
	deliver(connection);
}

void pg_session_yield(struct pg_session *session, PGresult *result, pg_result_fn fn, void *context)
{
	struct connection *connection = session->connection;
	connection->turn_fn = fn;
	connection->turn_context = context;
	connection->turn_result = result;
	connection->turn = sim_after(sim_between(0, 100000), session->instance, next_turn, connection);
}

const unsigned *pg_session_row_types(const struct pg_session *session)
{
	static unsigned types[PG_N_ROW_TYPES];
	(void)session;
	for (int i = 0; i < PG_N_ROW_TYPES; i++)
		types[i] = 100000 + (unsigned)i;
	return types;
}

bool pg_row_types_get(const PGresult *result, unsigned types_out[PG_N_ROW_TYPES])
{
	(void)result;
	memcpy(types_out, pg_session_row_types(NULL), PG_N_ROW_TYPES * sizeof(*types_out));
	return true;
}

bool pg_result_ok(const PGresult *result)
{
	return result->status == PGRES_TUPLES_OK || result->status == PGRES_COMMAND_OK;
}

size_t pg_result_affected(PGresult *result)
{
	return strtoul(result->affected, NULL, 10);
}

const char *pg_sql_text(const char *file)
{
	return file;
}

/* ---- faults ---- */

static void on_cut(void *context)
{
	lose(context, "the connection was cut");
}

static struct pg_session *any_session(void)
{
	size_t n = 0;
	for (struct pg_session *session = sessions; session != NULL; session = session->next)
		n += session->phase == PHASE_READY;
	if (n == 0)
		return NULL;
	size_t at = sim_below((uint32_t)n);
	/* Prefers busy connections. */
	for (struct pg_session *session = sessions; session != NULL; session = session->next)
		if (session->phase == PHASE_READY && session->connection->in_block && sim_chance(500))
			return session;
	for (struct pg_session *session = sessions; session != NULL; session = session->next)
		if (session->phase == PHASE_READY && at-- == 0)
			return session;
	return NULL;
}

static void plan_loss(struct pg_session *session)
{
	if (session->retry == NULL)
		session->retry = sim_after(sim_between(0, 2000), session->instance, on_cut, session);
}

bool sessions_cut_one(void)
{
	struct pg_session *session = any_session();
	if (session == NULL)
		return false;
	plan_loss(session);
	sim_counts.cuts++;
	return true;
}

/* The server process ends at once; the client learns of it later. */
static void terminate(struct connection *connection)
{
	struct pg_session *session = connection->session;
	connection->sent = (struct queue){NULL, NULL};
	connection->n_sent = 0;
	connection->n_to_deliver = 0;
	close_connection(connection);
	if (session != NULL)
		plan_loss(session);
	sim_counts.terminated++;
}

bool sessions_terminate_one(void)
{
	const struct pg_session *session = any_session();
	if (session == NULL)
		return false;
	terminate(session->connection);
	return true;
}

void sessions_restart_server(int64_t down_us)
{
	down_until_us = sim_now_us() + down_us;
	while (connections != NULL)
		terminate(connections);
	sim_counts.restarts++;
}

static bool is_stalled(const struct connection *connection)
{
	return connection->sent.first == NULL && sim_now_us() - connection->idle_since_us >= STANDS_STILL_US;
}

int sessions_terminate_stalled(const struct connection *but)
{
	int n = 0;
	for (struct connection *connection = connections, *next; connection != NULL; connection = next) {
		next = connection->next;
		bool holds = connection->transaction.has_sources || connection->transaction.n > 0;
		if (connection == but || !holds || !is_stalled(connection))
			continue;
		terminate(connection);
		n++;
	}
	return n;
}

bool sessions_write_elsewhere(const struct connection *but)
{
	for (const struct connection *connection = connections; connection != NULL; connection = connection->next) {
		if (connection != but && connection->transaction.n > 0 && connection->transaction.waits_for == NULL &&
		    !is_stalled(connection))
			return true;
	}
	return false;
}

/* ---- results ---- */

int PQntuples(const PGresult *result)
{
	return result->n_rows;
}

int PQnfields(const PGresult *result)
{
	return result->n_columns;
}

static struct cell value_at(const PGresult *result, int row, int column)
{
	if (row >= 0 && row < result->n_rows && column >= 0 && column < result->n_columns)
		return result->cells[row * result->n_columns + column];
	sim_fail("value %d, %d of a result of %d rows and %d columns", row, column, result->n_rows, result->n_columns);
	return cell_null();
}

char *PQgetvalue(const PGresult *result, int row, int column)
{
	struct cell cell = value_at(result, row, column);
	return (char *)(uintptr_t)(cell.len < 0 ? "" : cell.data);
}

int PQgetlength(const PGresult *result, int row, int column)
{
	struct cell cell = value_at(result, row, column);
	return cell.len < 0 ? 0 : cell.len;
}

int PQgetisnull(const PGresult *result, int row, int column)
{
	return value_at(result, row, column).len < 0;
}

ExecStatusType PQresultStatus(const PGresult *result)
{
	return result->status;
}

char *PQresultErrorMessage(const PGresult *result)
{
	return (char *)(uintptr_t)result->message;
}

char *PQresultErrorField(const PGresult *result, int field)
{
	return (char *)(uintptr_t)(field == PG_DIAG_SQLSTATE ? result->sqlstate : result->message);
}

char *PQcmdStatus(PGresult *result)
{
	return (char *)(uintptr_t)result->message;
}

char *PQcmdTuples(PGresult *result)
{
	return result->affected;
}
