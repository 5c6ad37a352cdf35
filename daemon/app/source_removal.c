#include "app/source_removal.h"

#include "adapters/pg/rows.h"
#include "app/exit_status.h"
#include "app/ticket_pass.h"

static void page_params(void *context, struct text after, struct pg_param *params)
{
	const struct source_removal *removal = context;
	params[SOURCE_DROP_READ_PARAM_SOURCE] = pg_param_c_string(removal->source);
	params[SOURCE_DROP_READ_PARAM_AFTER_TICKET_ID] = pg_param_text(after);
}

static void prepare(void *context, struct batch_rules *rules, struct write_order *order)
{
	const struct source_removal *removal = context;
	rules->removed_source = text_of(removal->source);
	order->drop_no = removal->drop_no;
}

static void written(void *context, const struct batch *batch)
{
	(void)context, (void)batch; /* the record has the counts */
}

static void on_woken(void *context, PGresult *result)
{
	(void)result;
	ticket_pass_quit(context, pg_result_ok(result) ? 0 : KPID_EXIT_NO_POSTGRES);
}

/* The clocks that were written have new deadlines. */
static void finish(struct ticket_pass *pass, void *context)
{
	const struct pg_param any = pg_param_c_string(NULL);
	(void)context;
	pg_session_query(ticket_pass_session(pass), "queries/deadline_wake.sql", &any, DEADLINE_WAKE_N_PARAMS, on_woken,
	                 pass);
	pg_session_sync(ticket_pass_session(pass), NULL, NULL);
}

int source_removal_run(struct kpid_config *config, const struct source_removal *removal)
{
	static const struct ticket_pass_work work = {
	        .session = "source removal",
	        .interrupted = "interrupted; the tickets written so far stay so, and the same command goes on",
	        .page_file = "queries/source_drop_read.sql",
	        .n_page_params = SOURCE_DROP_READ_N_PARAMS,
	        .page_params = page_params,
	        .prepare = prepare,
	        .written = written,
	        .finish = finish,
	};
	struct source_removal order = *removal;
	return ticket_pass_run(config, &work, &order);
}
