#include <string.h>

#include "cli/source_drop.h"

enum { WHO = 256, WHY, REREAD, DRY_RUN, MOST_SOURCE_BYTES = 256 };

static int check(const struct cli *cli, const struct source_drop_request *request)
{
	if (request->source[0] == '\0' || strlen(request->source) > MOST_SOURCE_BYTES)
		return cli_usage_error(cli, "a source has 1 to %d bytes", MOST_SOURCE_BYTES);
	if (request->dry_run && (request->why != NULL || request->who != NULL || request->reread))
		return cli_usage_error(cli, "--dry-run changes nothing: it takes no --why, --who or --reread");
	if (!request->dry_run && (request->why == NULL || request->why[0] == '\0'))
		return cli_usage_error(cli, "drop needs --why TEXT for its record");
	if (!cli_is_short(cli, "--who", request->who, CLI_MOST_WHO) ||
	    !cli_is_short(cli, "--why", request->why, CLI_MOST_WHY))
		return CLI_USAGE;
	return CLI_OK;
}

int cmd_source(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"who", required_argument, NULL, WHO},
	                                        {"why", required_argument, NULL, WHY},
	                                        {"reread", no_argument, NULL, REREAD},
	                                        {"dry-run", no_argument, NULL, DRY_RUN},
	                                        {NULL, 0, NULL, 0}};
	struct source_drop_request request = {.source = NULL};
	int option, status;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		if (option == WHO)
			request.who = optarg;
		else if (option == WHY)
			request.why = optarg;
		else if (option == REREAD)
			request.reread = true;
		else if (option == DRY_RUN)
			request.dry_run = true;
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "an action is missing: drop");
	if (strcmp(argv[optind], "drop") != 0)
		return cli_usage_error(cli, "unknown action %s; use drop", argv[optind]);
	optind++;
	if (!cli_arguments(cli, argc, 1, 1))
		return CLI_USAGE;
	request.source = argv[optind];
	status = check(cli, &request);
	if (status != CLI_OK)
		return status;
	request.who = request.who == NULL ? cli_user() : request.who;
	return source_drop(cli, &request);
}
