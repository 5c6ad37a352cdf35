#include "app/recalc.h"

#include "adapters/pg/rows.h"
#include "app/exit_status.h"
#include "app/ticket_pass.h"
#include "kpid/base/log.h"

struct recalc {
	const struct recalc_request *request;
	struct recalc_report *report;
};

/* ---- the record ---- */

static void on_begun(void *context, PGresult *result)
{
	struct ticket_pass *pass = context;
	struct recalc *recalc = ticket_pass_context(pass);
	if (!pg_result_ok(result)) {
		ticket_pass_quit(pass, KPID_EXIT_NO_POSTGRES);
		return;
	}
	recalc->report->recalculation_no = pg_get_int8(result, 0, RECALCULATION_BEGIN_RECALCULATION_NO);
	ticket_pass_begun(pass);
}

static void write_record(struct ticket_pass *pass, void *context)
{
	const struct recalc *recalc = context;
	const struct policy_set *set = ticket_pass_app(pass)->registry.snapshot->current;
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
	pg_session_query(ticket_pass_session(pass), "queries/recalculation_begin.sql", params,
	                 RECALCULATION_BEGIN_N_PARAMS, on_begun, pass);
	pg_session_sync(ticket_pass_session(pass), NULL, NULL);
	pg_array_release(&numbers);
}

static void on_end(void *context, PGresult *result)
{
	struct ticket_pass *pass = context;
	size_t n_left_out = ticket_pass_n_left_out(pass);
	if (!pg_result_ok(result)) {
		ticket_pass_quit(pass, KPID_EXIT_NO_POSTGRES);
		return;
	}
	if (n_left_out > 0)
		log_error("%zu tickets were left out because they are set aside: see `kpid doctor`, then run the same "
		          "command again",
		          n_left_out);
	ticket_pass_quit(pass, n_left_out > 0 ? KPID_EXIT_FAILED : 0);
}

static void finish(struct ticket_pass *pass, void *context)
{
	const struct recalc *recalc = context;
	char no[8], n_tickets[8], n_judged[8];
	const struct pg_param params[RECALCULATION_END_N_PARAMS] = {
	        [RECALCULATION_END_PARAM_RECALCULATION_NO] = pg_param_int8(recalc->report->recalculation_no, no),
	        [RECALCULATION_END_PARAM_N_TICKETS] = pg_param_int8(recalc->report->n_tickets, n_tickets),
	        [RECALCULATION_END_PARAM_N_JUDGED] = pg_param_int8(recalc->report->n_judged, n_judged),
	};
	/* The clocks that were written have new deadlines. */
	const struct pg_param any = pg_param_c_string(NULL);
	struct pg_session *session = ticket_pass_session(pass);
	pg_session_query(session, "queries/deadline_wake.sql", &any, DEADLINE_WAKE_N_PARAMS, NULL, NULL);
	pg_session_query(session, "queries/recalculation_end.sql", params, RECALCULATION_END_N_PARAMS, on_end, pass);
	pg_session_sync(session, NULL, NULL);
}

/* ---- pages ---- */

static void page_params(void *context, struct text after, struct pg_param *params)
{
	const struct recalc *recalc = context;
	params[RECALCULATION_READ_PARAM_SINCE] = pg_param_c_string(recalc->request->since);
	params[RECALCULATION_READ_PARAM_BEFORE] = pg_param_c_string(recalc->request->until);
	params[RECALCULATION_READ_PARAM_AFTER_TICKET_ID] = pg_param_text(after);
}

static void prepare(void *context, struct batch_rules *rules, struct write_order *order)
{
	(void)context, (void)order;
	rules->rejudge_under = rules->fold.policies;
}

static void written(void *context, const struct batch *batch)
{
	const struct recalc *recalc = context;
	recalc->report->n_tickets += (int64_t)batch->n_tickets;
	recalc->report->n_judged += (int64_t)batch->n_rejudged;
}

int recalc_run(struct kpid_config *config, const struct recalc_request *request, struct recalc_report *report_out)
{
	static const struct ticket_pass_work work = {
	        .session = "recalculation",
	        .interrupted = "interrupted; tickets judged so far are stored, and the same command continues from "
	                       "there",
	        .page_file = "queries/recalculation_read.sql",
	        .n_page_params = RECALCULATION_READ_N_PARAMS,
	        .begin = write_record,
	        .page_params = page_params,
	        .prepare = prepare,
	        .written = written,
	        .finish = finish,
	};
	struct recalc recalc = {request, report_out};
	*report_out = (struct recalc_report){.recalculation_no = 0};
	return ticket_pass_run(config, &work, &recalc);
}
