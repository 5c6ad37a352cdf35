#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/error_text.h"
#include "adapters/pg/session_internal.h"
#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/base/sqlstate.h"
#include "kpid/port/sql_files.h"

enum { SILENT_S = 10 }; /* time without an answer after which it is logged */

/* ---- statements ---- */

const char *pg_sql_text(const char *file)
{
	for (const struct sql_file *candidate = sql_files; candidate->name != NULL; candidate++)
		if (strcmp(candidate->name, file) == 0)
			return candidate->text;
	log_error("sql/%s is not embedded in this program", file);
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

/* ---- a server that does not answer ---- */

static void await_answer(struct pg_session *session)
{
	static const struct timeval patience = {SILENT_S / 2, 0};
	if (!evtimer_pending(session->silence, NULL))
		evtimer_add(session->silence, &patience);
}

static const char *awaited(const struct pg_session *session)
{
	const struct pending *pending = session->first;
	while (pending != NULL && pending->statement_text == NULL)
		pending = pending->next;
	return pending == NULL ? "the end of a pipeline" : pending->statement_text;
}

void pipeline_on_silence(evutil_socket_t fd, short what, void *context)
{
	struct pg_session *session = context;
	int64_t silent_us = monotonic_clock_us() - session->last_answer_us;
	(void)fd, (void)what;
	if (session->first == NULL)
		return;
	if (!session->silence_logged && silent_us > SILENT_S * US_PER_SECOND) {
		log_warning("PostgreSQL (%s) has not answered %s for %d s; waiting for it", session->name,
		            awaited(session), (int)(silent_us / US_PER_SECOND));
		session->silence_logged = true;
	}
	await_answer(session);
}

static void note_answer(struct pg_session *session)
{
	int64_t now_us = monotonic_clock_us();
	if (session->silence_logged)
		log_info("PostgreSQL (%s) answers again, after %d s", session->name,
		         (int)((now_us - session->last_answer_us) / US_PER_SECOND));
	session->silence_logged = false;
	session->last_answer_us = now_us;
}

/* ---- queries ---- */

void pipeline_forget(struct pg_session *session)
{
	for (struct pending *pending = session->first, *next; pending != NULL; pending = next) {
		next = pending->next;
		free(pending);
	}
	session->first = session->last = NULL;
}

void pipeline_flush(struct pg_session *session)
{
	int left = PQflush(session->conn);
	/* The reason of a failure, with the server's message, comes from the next read. */
	session_watch(session, left == 1 ? EV_READ | EV_WRITE : EV_READ);
	if (left < 0)
		session_break(session);
}

static void push_pending(struct pg_session *session, struct pending pending)
{
	struct pending *copy = mem_alloc(sizeof(*copy));
	*copy = pending;
	copy->next = NULL;
	if (session->first == NULL) {
		session->last_answer_us = monotonic_clock_us();
		await_answer(session);
	}
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
		push_pending(session, (struct pending){.statement_text = file, .is_prepare = true, .statement = index});
	else
		session_break(session);
	return index;
}

static bool can_send(const struct pg_session *session)
{
	return session->conn != NULL && !session->broken;
}

void pg_session_query(struct pg_session *session, const char *file, const struct pg_param *params, int n_params,
                      pg_result_fn fn, void *context)
{
	const char *values[PG_MOST_PARAMS] = {0};
	int lengths[PG_MOST_PARAMS] = {0}, formats[PG_MOST_PARAMS] = {0};
	KPID_CHECK(n_params <= PG_MOST_PARAMS);
	for (int i = 0; i < n_params; i++) {
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
		push_pending(session, (struct pending){.statement_text = file, .fn = fn, .context = context});
		pipeline_flush(session);
	} else {
		session_break(session);
	}
}

void pg_session_command(struct pg_session *session, const char *sql, pg_result_fn fn, void *context)
{
	if (!can_send(session))
		return;
	if (PQsendQueryParams(session->conn, sql, 0, NULL, NULL, NULL, NULL, 1) == 1) {
		push_pending(session, (struct pending){.statement_text = sql, .fn = fn, .context = context});
		pipeline_flush(session);
	} else {
		session_break(session);
	}
}

void pg_session_sync(struct pg_session *session, pg_result_fn fn, void *context)
{
	if (!can_send(session))
		return;
	if (PQpipelineSync(session->conn) == 1) {
		push_pending(session, (struct pending){.fn = fn, .context = context, .is_sync = true});
		pipeline_flush(session);
	} else {
		session_break(session);
	}
}

void pg_session_flush(struct pg_session *session)
{
	if (!can_send(session))
		return;
	if (PQsendFlushRequest(session->conn) == 1)
		pipeline_flush(session);
	else
		session_break(session);
}

/* ---- results ---- */

const char *pg_session_refusal(const struct pg_session *session)
{
	return session->refusal;
}

void pg_session_expect_collisions(struct pg_session *session, bool expected)
{
	session->expects_collisions = expected;
}

static struct pending pop_pending(struct pg_session *session)
{
	struct pending *first = session->first, copy = *first;
	session->first = first->next;
	if (session->first == NULL)
		session->last = NULL;
	/* The server has skipped it after an error: the statement is not prepared. */
	if (copy.is_prepare && !copy.is_prepared)
		session->prepared[copy.statement] = NULL;
	free(first);
	return copy;
}

/* Drops queries before the sync: the server has skipped them after an error. libpq does not always deliver both results
 * of a skipped query: if a callback sends another one, the terminating NULL is missing. */
static struct pending pop_sync(struct pg_session *session)
{
	while (!session->first->is_sync && session->first->next != NULL)
		pop_pending(session);
	return pop_pending(session);
}

static void deliver_sync(struct pg_session *session, PGresult *result)
{
	unsigned generation = session->generation;
	struct pending sync = pop_sync(session);
	if (sync.fn != NULL)
		sync.fn(sync.context, result);
	if (session->generation == generation)
		session->refusal[0] = '\0';
}

/* An error without a SQLSTATE comes from libpq: the connection is lost, which take_answers() handles. */
static void refused(struct pg_session *session, const struct pending *pending, const PGresult *result)
{
	const char *sqlstate = pg_sqlstate_of(result);
	enum sql_error fault = sql_error_of(sqlstate);
	struct buf why = BUF_INIT;
	if (sqlstate == NULL)
		return;
	if (session->refusal[0] == '\0')
		snprintf(session->refusal, sizeof(session->refusal), "%s", sqlstate);
	if (session->expects_collisions && pg_has_sqlstate(result, SQLSTATE_NOT_UNIQUE))
		return;
	pg_add_refusal(&why, result);
	if (session->phase == PHASE_SETTING_UP) {
		session_set_close_reason(session, fault, buf_text(&why).ptr, sqlstate);
	} else {
		struct buf remedy = BUF_INIT;
		pg_add_remedy(&remedy, sqlstate, PQuser(session->conn), session->needed_role);
		refusals_add(&session->refusals, session->name, buf_text(&remedy).ptr, pending->statement_text, result,
		             session->last_answer_us);
		buf_release(&remedy);
		/* The next session may reach another server, or find the schema complete. */
		if (fault == SQL_READ_ONLY || fault == SQL_SET_UP) {
			session_set_close_reason(session, fault, buf_text(&why).ptr, sqlstate);
			session->close_reason.was_logged = true;
			session_break(session);
		}
	}
	buf_release(&why);
}

/* Passes one result to its callback. A query ends with the NULL after its result, a sync with its result. */
static void deliver(struct pg_session *session, PGresult *result)
{
	struct pending *pending = session->first;
	note_answer(session);
	if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
		deliver_sync(session, result);
		return;
	}
	if (pending->is_sync) {
		/* Belongs to no query: the reason why the server is about to close the connection. */
		log_debug("PostgreSQL (%s): %s", session->name, PQresultErrorMessage(result));
		return;
	}
	if (pending->is_prepare && PQresultStatus(result) == PGRES_COMMAND_OK)
		pending->is_prepared = true;
	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		refused(session, pending, result);
	else if (!pending->is_prepare && pg_result_ok(result))
		refusals_end(&session->refusals, session->name, pending->statement_text, session->last_answer_us);
	if (pending->fn != NULL)
		pending->fn(pending->context, result);
}

void pipeline_read(struct pg_session *session)
{
	unsigned generation = session->generation;
	while (session->continuation.fn == NULL && session->first != NULL && PQisBusy(session->conn) == 0) {
		PGresult *result = PQgetResult(session->conn);
		if (result == NULL) {
			if (session->first->is_sync)
				break;
			pop_pending(session);
			continue;
		}
		deliver(session, result);
		if (session->continuation.fn == NULL)
			PQclear(result);
		if (session->generation != generation || session->broken)
			return; /* the callback closed the connection or failed to send */
	}
}
