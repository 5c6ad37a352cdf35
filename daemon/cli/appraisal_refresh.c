/* kpid appraisal refresh: brings the ledger up to date, or makes it again. */
#include <jansson.h>
#include <stdio.h>

#include "app/ledger_once.h"
#include "cli/appraisal.h"
#include "cli/json_out.h"
#include "cli/preflight.h"

int appraisal_refresh(struct cli *cli, const struct appraisal_request *request)
{
	struct kpid_config *config;
	struct ledger_report report;
	int status = preflight_load(cli, &config);
	if (status != CLI_OK)
		return status;
	status = ledger_once_run(config, request->all, &report);
	if (status != CLI_OK)
		return status;
	if (cli->json)
		json_print(json_pack("{s:I}", "tickets", (json_int_t)report.n_tickets));
	else
		printf("the ledger is up to date: %lld tickets were folded\n", (long long)report.n_tickets);
	return CLI_OK;
}
