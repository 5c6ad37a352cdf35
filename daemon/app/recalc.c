#include "app/recalc.h"

#include <event2/event.h>

#include "adapters/pg/rows.h"
#include "adapters/pg/writer.h"
#include "adapters/timer.h"
#include "app/app.h"
#include "app/exit_status.h"
#include "app/judging.h"
#include "kpid/base/log.h"

enum { RETRY_US = 200000 };

struct recalc {
	struct app *app;
	const struct recalc_request *request;
	struct recalc_report *report;
	struct pg_session *session;
	struct pg_writer *writer;
	struct event *retry;
	struct batch batch;     /* one page of tickets */
	struct judging judging; /* of the page being written */
	struct batch_rules rules;
	struct write_order order;
	struct buf last, next_last; /* the last ticket judged, and the last of the current page */
	size_t n_left_out;          /* tickets that were set aside */
	bool stopping;
};

static void read_page(struct recalc *recalc);

static void quit(struct recalc *recalc, int status)
{
	app_quit(recalc->app, status);
}

/* ---- a page ---- */

static void write_page(struct recalc *recalc)
{
	struct lane_shared *shared = &recalc->app->shared;
	recalc->batch.n_rejudged = 0;
	judging_hold(&recalc->judging, shared->registry, shared->config);
	/* Each ticket is judged as of the time of its last judgement; deadlines that are due then fire later. */
	recalc->rules = judging_rules(&recalc->judging, TIME_NONE);
	recalc->rules.rejudge_under = recalc->judging.rules->current;
	recalc->order.kind = WRITE_RECALC;
	recalc->order.batch = &recalc->batch;
	recalc->order.rules = &recalc->rules;
	recalc->order.now_us = lane_shared_now_us(shared);
	recalc->order.config = recalc->judging.config;
	pg_writer_start(recalc->writer, &recalc->order);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct recalc *recalc = context;
	(void)fd, (void)what;
	if (recalc->batch.n_tickets > 0 && pg_session_is_ready(recalc->session) && !pg_writer_is_busy(recalc->writer))
		write_page(recalc);
}

/* Tickets that are set aside have events that are not folded yet. */
static void count_left_out(struct recalc *recalc)
{
	for (size_t i = 0; i < recalc->batch.n_tickets; i++)
		recalc->n_left_out += recalc->batch.tickets[i]->aside != ASIDE_NOT;
}

static void on_written(void *context, enum write_outcome outcome)
{
	struct recalc *recalc = context;
	judging_drop(&recalc->judging);
	recalc->order.lock_tickets = outcome == WRITE_RACED;
	if (outcome == WRITE_COMMITTED) {
		recalc->report->n_tickets += (int64_t)recalc->batch.n_tickets;
		count_left_out(recalc);
		recalc->report->n_judged += (int64_t)recalc->batch.n_rejudged;
		buf_clear(&recalc->last);
		buf_add_text(&recalc->last, buf_text(&recalc->next_last));
		batch_clear(&recalc->batch);
		read_page(recalc);
		return;
	}
	if (outcome == WRITE_FAILED && pg_writer_fault(recalc->writer) == FAULT_DATA) {
		struct text words = pg_writer_error(recalc->writer);
		log_error("PostgreSQL refuses a ticket between %s and %s: %.*s", recalc->last.data,
		          recalc->next_last.data, (int)words.len, words.ptr);
		quit(recalc, KPID_EXIT_FAILED);
		return;
	}
	if (outcome == WRITE_UNKNOWN_REVISION)
		recalc->app->shared.load_revisions(recalc->app->shared.load_context);
	timer_start(recalc->retry, RETRY_US);
}

static void on_end(void *context, PGresult *result)
{
	struct recalc *recalc = context;
	if (pg_result_ok(result)) {
		if (recalc->n_left_out > 0)
			log_error("%zu tickets were left out because they are set aside: see `kpid doctor`, then run "
			          "the same "
			          "command again",
			          recalc->n_left_out);
		quit(recalc, recalc->n_left_out > 0 ? KPID_EXIT_FAILED : 0);
		return;
	}
	quit(recalc, KPID_EXIT_NO_POSTGRES);
}

static void finish(struct recalc *recalc)
{
	char no[8], n_tickets[8], n_judged[8];
	const struct pg_param params[RECALCULATION_END_N_PARAMS] = {
	        [RECALCULATION_END_PARAM_RECALCULATION_NO] = pg_param_int8(recalc->report->recalculation_no, no),
	        [RECALCULATION_END_PARAM_N_TICKETS] = pg_param_int8(recalc->report->n_tickets, n_tickets),
	        [RECALCULATION_END_PARAM_N_JUDGED] = pg_param_int8(recalc->report->n_judged, n_judged),
	};
	/* The clocks that were written have new deadlines. */
	const struct pg_param any = pg_param_c_string(NULL);
	pg_session_query(recalc->session, "queries/deadline_wake.sql", &any, DEADLINE_WAKE_N_PARAMS, NULL, NULL);
	pg_session_query(recalc->session, "queries/recalculation_end.sql", params, RECALCULATION_END_N_PARAMS, on_end,
	                 recalc);
	pg_session_sync(recalc->session, NULL, NULL);
}

static void on_page(void *context, PGresult *result)
{
	struct recalc *recalc = context;
	if (!pg_result_ok(result)) {
		quit(recalc, KPID_EXIT_NO_POSTGRES);
		return;
	}
	for (int row = 0; row < PQntuples(result); row++) {
		struct text ticket_id = pg_get_text(result, row, RECALCULATION_READ_TICKET_ID);
		batch_add_ticket(&recalc->batch, ticket_id);
		buf_clear(&recalc->next_last);
		buf_add_text(&recalc->next_last, ticket_id);
	}
}

static void on_page_end(void *context, PGresult *result)
{
	struct recalc *recalc = context;
	(void)result;
	if (recalc->batch.n_tickets == 0) {
		finish(recalc);
		return;
	}
	batch_seal(&recalc->batch);
	write_page(recalc);
}

static void read_page(struct recalc *recalc)
{
	if (recalc->stopping) {
		log_warning("interrupted; tickets judged so far are stored, and the same command continues from there");
		quit(recalc, KPID_EXIT_FAILED);
		return;
	}
	const struct pg_param params[RECALCULATION_READ_N_PARAMS] = {
	        [RECALCULATION_READ_PARAM_SINCE] = pg_param_c_string(recalc->request->since),
	        [RECALCULATION_READ_PARAM_BEFORE] = pg_param_c_string(recalc->request->until),
	        [RECALCULATION_READ_PARAM_AFTER_TICKET_ID] = pg_param_text(buf_text(&recalc->last)),
	};
	pg_session_query(recalc->session, "queries/recalculation_read.sql", params, RECALCULATION_READ_N_PARAMS,
	                 on_page, recalc);
	pg_session_sync(recalc->session, on_page_end, recalc);
}

/* ---- the record ---- */

static void on_begun(void *context, PGresult *result)
{
	struct recalc *recalc = context;
	if (!pg_result_ok(result)) {
		quit(recalc, KPID_EXIT_NO_POSTGRES);
		return;
	}
	recalc->report->recalculation_no = pg_get_int8(result, 0, RECALCULATION_BEGIN_RECALCULATION_NO);
	read_page(recalc);
}

static void write_record(struct recalc *recalc)
{
	const struct policy_set *set = recalc->app->registry.snapshot->current;
	struct pg_array numbers = {.n = 0};
	pg_array_start(&numbers, PG_OID_INT4);
	for (size_t i = 0; i < set->n_revisions; i++)
		pg_array_int4(&numbers, set->revisions[i].revision_no);
	const struct pg_param params[RECALCULATION_BEGIN_N_PARAMS] = {
	        [RECALCULATION_BEGIN_PARAM_ASKED_BY] = pg_param_text(text_of(recalc->request->asked_by)),
	        [RECALCULATION_BEGIN_PARAM_WHY] = pg_param_text(text_of(recalc->request->why)),
	        [RECALCULATION_BEGIN_PARAM_SINCE] = pg_param_c_string(recalc->request->since),
	        [RECALCULATION_BEGIN_PARAM_BEFORE] = pg_param_c_string(recalc->request->until),
	        [RECALCULATION_BEGIN_PARAM_REVISION_NOS] = pg_array_param(&numbers),
	};
	pg_session_query(recalc->session, "queries/recalculation_begin.sql", params, RECALCULATION_BEGIN_N_PARAMS,
	                 on_begun, recalc);
	pg_session_sync(recalc->session, NULL, NULL);
	pg_array_release(&numbers);
}

/* ---- life ---- */

static void on_ready(void *context)
{
	struct recalc *recalc = context;
	if (recalc->report->recalculation_no == 0)
		write_record(recalc);
	else
		read_page(recalc);
}

static void on_lost(void *context, const char *reason)
{
	struct recalc *recalc = context;
	(void)reason;
	pg_writer_abandon(recalc->writer);
	judging_drop(&recalc->judging);
	batch_clear(&recalc->batch);
	evtimer_del(recalc->retry);
}

static void on_begin(void *context)
{
	pg_session_start(((struct recalc *)context)->session);
}

static void on_stop(void *context)
{
	((struct recalc *)context)->stopping = true;
}

int recalc_run(struct kpid_config *config, const struct recalc_request *request, struct recalc_report *report_out)
{
	struct recalc recalc = {.request = request, .report = report_out, .last = BUF_INIT, .next_last = BUF_INIT};
	const struct app_feeder feeder = {
	        .begin = on_begin,
	        .stop = on_stop,
	        .stopped_status = KPID_EXIT_FAILED,
	        .gives_up = true,
	        .context = &recalc,
	};
	*report_out = (struct recalc_report){.recalculation_no = 0};
	recalc.app = app_new(config, 0, &feeder);
	if (recalc.app == NULL)
		return KPID_EXIT_CONFIG;
	batch_init(&recalc.batch);
	buf_add_str(&recalc.last, "");
	recalc.session = pg_session_new(recalc.app->base, &config->postgres, "recalculation",
	                                &(struct pg_session_events){on_ready, on_lost, &recalc});
	recalc.writer = pg_writer_new(recalc.session, on_written, &recalc);
	recalc.retry = evtimer_new(recalc.app->base, on_retry, &recalc);
	int status = app_run(recalc.app);
	pg_writer_free(recalc.writer);
	judging_drop(&recalc.judging);
	pg_session_free(recalc.session);
	event_free(recalc.retry);
	batch_release(&recalc.batch);
	buf_release(&recalc.last);
	buf_release(&recalc.next_last);
	app_free(recalc.app);
	return status;
}
