#include "app/ledger_once.h"

#include "app/app.h"
#include "app/exit_status.h"

struct refresh {
	struct app *app;
	struct ledger_refresh *ledger;
	struct ledger_report *report;
	bool all;
};

static void on_done(void *context, const struct ledger_report *report)
{
	struct refresh *refresh = context;
	*refresh->report = *report;
	app_quit(refresh->app, report->n_skipped > 0 ? KPID_EXIT_FAILED : report->failed ? KPID_EXIT_NO_POSTGRES : 0);
}

static void on_begin(void *context)
{
	struct refresh *refresh = context;
	const struct ledger_once once = {refresh->all, on_done, refresh};
	refresh->ledger = ledger_refresh_new(&refresh->app->shared, refresh->app->config, &once);
	ledger_refresh_start(refresh->ledger);
}

static void on_stop(void *context)
{
	app_quit(((struct refresh *)context)->app, KPID_EXIT_FAILED);
}

int ledger_once_run(struct kpid_config *config, bool all, struct ledger_report *report_out)
{
	struct refresh refresh = {.report = report_out, .all = all};
	const struct app_feeder feeder = {
	        .begin = on_begin,
	        .stop = on_stop,
	        .stopped_status = KPID_EXIT_FAILED,
	        .gives_up = true,
	        .context = &refresh,
	};
	*report_out = (struct ledger_report){.n_tickets = 0};
	refresh.app = app_new(config, 0, &feeder);
	if (refresh.app == NULL)
		return KPID_EXIT_CONFIG;
	int status = app_run(refresh.app);
	ledger_refresh_free(refresh.ledger);
	app_free(refresh.app);
	return status;
}
