#include "app/ticket_pass.h"

#include <event2/event.h>

#include "adapters/pg/rows.h"
#include "adapters/timer.h"
#include "app/exit_status.h"
#include "app/judging.h"
#include "kpid/base/check.h"
#include "kpid/base/log.h"

enum { RETRY_US = 200000, TICKET_ID = 0 };

struct ticket_pass {
	struct app *app;
	const struct ticket_pass_work *work;
	void *context;
	struct pg_session *session;
	struct pg_writer *writer;
	struct event *retry;
	struct batch batch;     /* one page of tickets */
	struct judging judging; /* of the page being written */
	struct batch_rules rules;
	struct write_order order;
	struct buf last, next_last; /* the last ticket written, and the last of the current page */
	size_t n_left_out;
	bool begun, stopping;
};

static void read_page(struct ticket_pass *pass);

/* ---- a page ---- */

static void write_page(struct ticket_pass *pass)
{
	struct lane_shared *shared = &pass->app->shared;
	pass->batch.n_rejudged = 0;
	judging_hold(&pass->judging, shared->registry, shared->config);
	/* Each ticket is judged as of the time of its last judgement; deadlines that are due then fire later. */
	pass->rules = judging_rules(&pass->judging, TIME_NONE);
	pass->order.kind = WRITE_RECALC;
	pass->order.batch = &pass->batch;
	pass->order.rules = &pass->rules;
	pass->order.now_us = lane_shared_now_us(shared);
	pass->order.config = pass->judging.config;
	pass->work->prepare(pass->context, &pass->rules, &pass->order);
	pg_writer_start(pass->writer, &pass->order);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct ticket_pass *pass = context;
	(void)fd, (void)what;
	if (pass->batch.n_tickets > 0 && pg_session_is_ready(pass->session) && !pg_writer_is_busy(pass->writer))
		write_page(pass);
}

/* Tickets that are set aside have events that are not folded yet. */
static void count_left_out(struct ticket_pass *pass)
{
	for (size_t i = 0; i < pass->batch.n_tickets; i++)
		pass->n_left_out += pass->batch.tickets[i]->aside != ASIDE_NOT;
}

static void on_written(void *context, enum write_outcome outcome)
{
	struct ticket_pass *pass = context;
	judging_drop(&pass->judging);
	pass->order.lock_tickets = outcome == WRITE_RACED;
	if (outcome == WRITE_COMMITTED) {
		count_left_out(pass);
		pass->work->written(pass->context, &pass->batch);
		buf_clear(&pass->last);
		buf_add_text(&pass->last, buf_text(&pass->next_last));
		batch_clear(&pass->batch);
		read_page(pass);
		return;
	}
	if (outcome == WRITE_FAILED && pg_writer_fault(pass->writer) == FAULT_DATA) {
		struct text words = pg_writer_error(pass->writer);
		log_error("PostgreSQL refuses a ticket between %s and %s: %.*s", pass->last.data, pass->next_last.data,
		          (int)words.len, words.ptr);
		ticket_pass_quit(pass, KPID_EXIT_FAILED);
		return;
	}
	if (outcome == WRITE_UNKNOWN_REVISION)
		pass->app->shared.load_revisions(pass->app->shared.load_context);
	timer_start(pass->retry, RETRY_US);
}

static void on_page(void *context, PGresult *result)
{
	struct ticket_pass *pass = context;
	if (!pg_result_ok(result)) {
		ticket_pass_quit(pass, KPID_EXIT_NO_POSTGRES);
		return;
	}
	for (int row = 0; row < PQntuples(result); row++) {
		struct text ticket_id = pg_get_text(result, row, TICKET_ID);
		batch_add_ticket(&pass->batch, ticket_id);
		buf_clear(&pass->next_last);
		buf_add_text(&pass->next_last, ticket_id);
	}
}

static void on_page_end(void *context, PGresult *result)
{
	struct ticket_pass *pass = context;
	(void)result;
	if (pass->batch.n_tickets == 0) {
		pass->work->finish(pass, pass->context);
		return;
	}
	batch_seal(&pass->batch);
	write_page(pass);
}

static void read_page(struct ticket_pass *pass)
{
	struct pg_param params[TICKET_PASS_MOST_PARAMS];
	if (pass->stopping) {
		log_warning("%s", pass->work->interrupted);
		ticket_pass_quit(pass, KPID_EXIT_FAILED);
		return;
	}
	pass->work->page_params(pass->context, buf_text(&pass->last), params);
	pg_session_query(pass->session, pass->work->page_file, params, pass->work->n_page_params, on_page, pass);
	pg_session_sync(pass->session, on_page_end, pass);
}

/* ---- for its work ---- */

void *ticket_pass_context(struct ticket_pass *pass)
{
	return pass->context;
}

struct app *ticket_pass_app(struct ticket_pass *pass)
{
	return pass->app;
}

struct pg_session *ticket_pass_session(struct ticket_pass *pass)
{
	return pass->session;
}

size_t ticket_pass_n_left_out(const struct ticket_pass *pass)
{
	return pass->n_left_out;
}

void ticket_pass_begun(struct ticket_pass *pass)
{
	pass->begun = true;
	read_page(pass);
}

void ticket_pass_quit(struct ticket_pass *pass, int status)
{
	app_quit(pass->app, status);
}

/* ---- life ---- */

static void on_ready(void *context)
{
	struct ticket_pass *pass = context;
	if (pass->begun)
		read_page(pass);
	else if (pass->work->begin != NULL)
		pass->work->begin(pass, pass->context);
	else
		ticket_pass_begun(pass);
}

static void on_lost(void *context, const char *reason)
{
	struct ticket_pass *pass = context;
	(void)reason;
	pg_writer_abandon(pass->writer);
	judging_drop(&pass->judging);
	batch_clear(&pass->batch);
	evtimer_del(pass->retry);
}

static void on_begin(void *context)
{
	pg_session_start(((struct ticket_pass *)context)->session);
}

static void on_stop(void *context)
{
	((struct ticket_pass *)context)->stopping = true;
}

int ticket_pass_run(struct kpid_config *config, const struct ticket_pass_work *work, void *context)
{
	struct ticket_pass pass = {.work = work, .context = context, .last = BUF_INIT, .next_last = BUF_INIT};
	const struct app_feeder feeder = {
	        .begin = on_begin,
	        .stop = on_stop,
	        .stopped_status = KPID_EXIT_FAILED,
	        .gives_up = true,
	        .context = &pass,
	};
	KPID_CHECK(work->n_page_params <= TICKET_PASS_MOST_PARAMS);
	pass.app = app_new(config, 0, &feeder);
	if (pass.app == NULL)
		return KPID_EXIT_CONFIG;
	batch_init(&pass.batch);
	buf_add_str(&pass.last, "");
	pass.session = pg_session_new(pass.app->base, &config->postgres, work->session,
	                              &(struct pg_session_events){on_ready, on_lost, &pass});
	pass.writer = pg_writer_new(pass.session, on_written, &pass);
	pass.retry = evtimer_new(pass.app->base, on_retry, &pass);
	int status = app_run(pass.app);
	pg_writer_free(pass.writer);
	judging_drop(&pass.judging);
	pg_session_free(pass.session);
	event_free(pass.retry);
	batch_release(&pass.batch);
	buf_release(&pass.last);
	buf_release(&pass.next_last);
	app_free(pass.app);
	return status;
}
