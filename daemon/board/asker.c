#include "board/asker.h"

#include <stdlib.h>

#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/memory.h"

struct question {
	struct question *next;
	const char *file;
	char *params[PG_MOST_PARAMS];
	int n_params;
	asker_fn *fn; /* NULL: answered */
	void *context;
	int64_t sent_us; /* monotonic */
};

struct asker {
	struct pg_session *session;
	struct question *first, *last;
	size_t n_waiting;
	bool is_asking; /* the first is sent */
	struct asker_counts counts;
};

static void ask_next(struct asker *asker);

static void question_free(struct question *question)
{
	for (int i = 0; i < question->n_params; i++)
		free(question->params[i]);
	free(question);
}

static void answer(struct asker *asker, struct question *question, PGresult *rows)
{
	asker_fn *fn = question->fn;
	question->fn = NULL;
	if (fn == NULL)
		return;
	asker->counts.n_answered += rows != NULL;
	asker->counts.n_failed += rows == NULL;
	fn(question->context, rows, monotonic_clock_us() - question->sent_us);
}

static void drop_first(struct asker *asker)
{
	struct question *question = asker->first;
	asker->first = question->next;
	if (asker->first == NULL)
		asker->last = NULL;
	asker->n_waiting--;
	question_free(question);
}

static void on_rows(void *context, PGresult *result)
{
	struct asker *asker = context;
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		answer(asker, asker->first, result);
}

/* The end of a question, also of one that was refused. */
static void on_end(void *context, PGresult *result)
{
	struct asker *asker = context;
	(void)result;
	answer(asker, asker->first, NULL);
	drop_first(asker);
	asker->is_asking = false;
	ask_next(asker);
}

static void ask_next(struct asker *asker)
{
	struct question *question = asker->first;
	if (question == NULL || asker->is_asking || !pg_session_is_ready(asker->session))
		return;
	struct pg_param params[PG_MOST_PARAMS];
	for (int i = 0; i < question->n_params; i++)
		params[i] = pg_param_c_string(question->params[i]);
	asker->is_asking = true;
	question->sent_us = monotonic_clock_us();
	pg_session_query(asker->session, question->file, params, question->n_params, on_rows, asker);
	pg_session_sync(asker->session, on_end, asker);
}

static void on_ready(void *context)
{
	ask_next(context);
}

/* Nobody waits for a database that is away: every question gets its answer, that there is none. */
static void fail_all(struct asker *asker)
{
	asker->is_asking = false;
	for (size_t n = asker->n_waiting; n > 0; n--) {
		answer(asker, asker->first, NULL);
		drop_first(asker);
	}
}

static void on_lost(void *context, const char *reason)
{
	(void)reason;
	fail_all(context);
}

struct asker *asker_new(struct event_base *base, const struct config_pairs *conninfo, const char *name, int timeout_ms,
                        bool calls)
{
	struct asker *asker = mem_zalloc(sizeof(*asker));
	asker->session = pg_session_new(base, conninfo, name, &(struct pg_session_events){on_ready, on_lost, asker});
	pg_session_set_reader(asker->session, timeout_ms, calls);
	pg_session_set_needed_role(asker->session, calls ? "kpid_operator" : "kpid_board");
	return asker;
}

void asker_free(struct asker *asker)
{
	if (asker == NULL)
		return;
	pg_session_free(asker->session);
	while (asker->first != NULL)
		drop_first(asker);
	free(asker);
}

void asker_start(struct asker *asker)
{
	pg_session_start(asker->session);
}

bool asker_is_ready(const struct asker *asker)
{
	return pg_session_is_ready(asker->session);
}

const char *asker_refusal(const struct asker *asker)
{
	return pg_session_is_ready(asker->session) ? pg_session_refusal(asker->session) : "";
}

struct asker_counts asker_counts(const struct asker *asker)
{
	return asker->counts;
}

size_t asker_n_waiting(const struct asker *asker)
{
	return asker->n_waiting;
}

void asker_ask(struct asker *asker, const char *file, const char *const *params, int n_params, asker_fn *fn,
               void *context)
{
	struct question *question = mem_zalloc(sizeof(*question));
	KPID_CHECK(n_params <= PG_MOST_PARAMS);
	question->file = file;
	question->n_params = n_params;
	question->fn = fn;
	question->context = context;
	question->sent_us = monotonic_clock_us();
	for (int i = 0; i < n_params; i++)
		question->params[i] = mem_strdup(params[i]);
	if (!pg_session_is_ready(asker->session)) {
		answer(asker, question, NULL);
		question_free(question);
		return;
	}
	if (asker->last == NULL)
		asker->first = question;
	else
		asker->last->next = question;
	asker->last = question;
	asker->n_waiting++;
	ask_next(asker);
}
