#include <errno.h>
#include <stdlib.h>

#include "cli/preflight.h"
#include "cli/verify.h"

enum { SAMPLE = 256, TICKET, REPAIR, WHO, WHY };

/* Repairs, and compares again if a daemon wrote one of the tickets meanwhile. */
static int repair(struct verify *verify, bool *repaired_out)
{
	enum { MOST_TRIES = 3 };
	bool again = true;
	int status = CLI_OK;
	for (int tries = 0; again && tries < MOST_TRIES && status == CLI_OK; tries++) {
		if (tries > 0) {
			verify_clear(verify);
			status = verify_compare(verify);
		}
		if (status == CLI_OK)
			status = verify_repair(verify, &again);
	}
	if (status == CLI_OK && again) {
		pg_sync_print_error(verify->sync,
		                    "the tickets to repair keep changing; nothing was repaired, try again");
		status = CLI_FAILED;
	}
	*repaired_out = status == CLI_OK;
	return status;
}

/* Compares again after a repair. A remaining difference is a failure. */
static int compare_again(struct verify *verify)
{
	verify_clear(verify);
	int status = verify_compare(verify);
	if (status != CLI_OK || verify->n_differences == 0)
		return status;
	pg_sync_print_error(verify->sync, "after the repair there are still %lld differences",
	                    (long long)verify->n_differences);
	return CLI_FAILED;
}

static int verify_with(struct verify *verify)
{
	bool wants = verify->request->repair, repaired = false;
	int status = wants ? verify_repair_lock(verify) : CLI_OK;
	if (status == CLI_OK)
		status = verify_compare(verify);
	if (status != CLI_OK)
		return status;
	if (verify->request->ticket_id != NULL && verify->n_tickets == 0) {
		pg_sync_print_error(verify->sync, "there is no ticket %s", verify->request->ticket_id);
		return CLI_FAILED;
	}
	if (wants && verify->n_differences > 0 && verify->n_broken + verify->n_lost == 0)
		status = repair(verify, &repaired);
	verify_print(verify, repaired);
	if (status != CLI_OK)
		return status;
	if (repaired)
		return compare_again(verify);
	return verify->n_differences > 0 ? CLI_FAILED : CLI_OK;
}

static int run(const struct cli *cli, const struct verify_request *request)
{
	struct kpid_config *config;
	struct pg_sync sync;
	struct verify verify;
	int status = preflight_load(cli, &config);
	if (status != CLI_OK)
		return status;
	verify_init(&verify, &sync, config, request);
	/* Values are compared and printed as text, so times need one zone. */
	if (pg_sync_open(&sync, cli, &config->postgres) && pg_sync_command(&sync, "SET TIME ZONE 'UTC'"))
		status = verify_with(&verify);
	else
		status = pg_sync_failed(&sync);
	verify_release(&verify);
	pg_sync_close(&sync);
	kpid_config_free(config);
	return status;
}

static bool parse_count(const char *text, int64_t *n_out)
{
	char *end;
	errno = 0;
	*n_out = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *n_out > 0;
}

int cmd_verify(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
	        {"sample", required_argument, NULL, SAMPLE}, {"ticket", required_argument, NULL, TICKET},
	        {"repair", no_argument, NULL, REPAIR},       {"who", required_argument, NULL, WHO},
	        {"why", required_argument, NULL, WHY},       {NULL, 0, NULL, 0}};
	struct verify_request request = {.ticket_id = NULL};
	int option, status;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		if (option == SAMPLE && !parse_count(optarg, &request.sample))
			return cli_usage_error(cli, "--sample takes a number of tickets, not %s", optarg);
		if (option == TICKET)
			request.ticket_id = optarg;
		else if (option == REPAIR)
			request.repair = true;
		else if (option == WHO)
			request.who = optarg;
		else if (option == WHY)
			request.why = optarg;
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 0, 0))
		return CLI_USAGE;
	if (request.ticket_id != NULL && request.sample > 0)
		return cli_usage_error(cli, "use either --ticket or --sample");
	if (request.repair && (request.why == NULL || request.why[0] == '\0'))
		return cli_usage_error(cli, "--repair needs --why TEXT for its record");
	if (!request.repair && (request.who != NULL || request.why != NULL))
		return cli_usage_error(cli, "only --repair takes --who and --why");
	if (!cli_is_short(cli, "--who", request.who, CLI_MOST_WHO) ||
	    !cli_is_short(cli, "--why", request.why, CLI_MOST_WHY))
		return CLI_USAGE;
	request.who = request.who == NULL ? cli_user() : request.who;
	return run(cli, &request);
}
