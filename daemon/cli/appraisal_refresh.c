/* kpid appraisal refresh: brings the ledger up to date, or makes it again. */
#include <jansson.h>
#include <stdio.h>

#include "app/app.h"
#include "app/exit_status.h"
#include "app/ledger_refresh.h"
#include "cli/appraisal.h"
#include "cli/json_out.h"
#include "cli/preflight.h"

struct refresh {
	struct app *app;
	struct ledger_refresh *ledger;
	struct ledger_report report;
	bool all;
};

static void on_done(void *context, const struct ledger_report *report)
{
	struct refresh *refresh = context;
	refresh->report = *report;
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

static int run(struct kpid_config *config, struct refresh *refresh)
{
	const struct app_feeder feeder = {
	        .begin = on_begin,
	        .stop = on_stop,
	        .stopped_status = KPID_EXIT_FAILED,
	        .gives_up = true,
	        .context = refresh,
	};
	refresh->app = app_new(config, 0, &feeder);
	if (refresh->app == NULL)
		return KPID_EXIT_CONFIG;
	int status = app_run(refresh->app);
	ledger_refresh_free(refresh->ledger);
	app_free(refresh->app);
	return status;
}

int appraisal_refresh(struct cli *cli, const struct appraisal_request *request)
{
	struct kpid_config *config;
	struct refresh refresh = {.all = request->all};
	int status = preflight_load(cli, &config);
	if (status != CLI_OK)
		return status;
	status = run(config, &refresh);
	if (status != CLI_OK)
		return status;
	if (cli->json)
		json_print(json_pack("{s:I}", "tickets", (json_int_t)refresh.report.n_tickets));
	else
		printf("the ledger is up to date: %lld tickets were folded\n", (long long)refresh.report.n_tickets);
	return CLI_OK;
}
