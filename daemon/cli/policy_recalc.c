#include "cli/policy_recalc.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/recalc.h"
#include "cli/json_out.h"
#include "cli/preflight.h"
#include "kpid/base/buf.h"
#include "kpid/base/memory.h"

/* Loads the configuration with this policy file instead of its own. */
static int load_config(struct cli *cli, const char *policy_path, struct kpid_config **config_out)
{
	struct buf set = BUF_INIT;
	const char **sets = mem_alloc((cli->n_sets + 1) * sizeof(*sets));
	struct cli with_policy = *cli;
	buf_add_format(&set, "sla.policy_file=%s", policy_path);
	for (size_t i = 0; i < cli->n_sets; i++)
		sets[i] = cli->sets[i];
	sets[cli->n_sets] = buf_text(&set).ptr;
	with_policy.sets = sets;
	with_policy.n_sets = cli->n_sets + 1;
	int status = preflight_load(&with_policy, config_out);
	buf_release(&set);
	free(sets);
	return status;
}

static void print_report(const struct cli *cli, const struct recalc_report *report)
{
	if (cli->json)
		json_print(json_pack("{s:I, s:I, s:I}", "recalculation_no", (json_int_t)report->recalculation_no,
		                     "tickets", (json_int_t)report->n_tickets, "judged", (json_int_t)report->n_judged));
	else
		printf("recalculation %lld: %lld tickets checked, %lld judged again; report.recalculation has the "
		       "record\n",
		       (long long)report->recalculation_no, (long long)report->n_tickets, (long long)report->n_judged);
}

int policy_recalc(struct cli *cli, const struct policy_recalc_request *request)
{
	struct kpid_config *config;
	char *path = realpath(request->path, NULL);
	if (path == NULL) {
		fprintf(stderr, "kpid policy: %s: %s\n", request->path, strerror(errno));
		return CLI_FAILED;
	}
	int status = load_config(cli, path, &config);
	free(path);
	if (status != CLI_OK)
		return status;
	const struct recalc_request order = {cli_user(), request->why, request->since, request->until};
	struct recalc_report report;
	status = recalc_run(config, &order, &report);
	if (status == CLI_OK)
		print_report(cli, &report);
	return status;
}
