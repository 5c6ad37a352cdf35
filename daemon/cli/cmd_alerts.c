#include <string.h>

#include "cli/alerts.h"
#include "cli/alerts_test.h"

enum {
	OPTION_WHY = 256,
	OPTION_PROJECT,
	OPTION_TARGET,
	OPTION_STATE,
	OPTION_UNTIL,
	OPTION_SINCE,
	OPTION_AGAIN,
	OPTION_ALL
};

enum takes {
	TAKES_WHY = 1u << (OPTION_WHY - 256),
	TAKES_PROJECT = 1u << (OPTION_PROJECT - 256),
	TAKES_TARGET = 1u << (OPTION_TARGET - 256),
	TAKES_STATE = 1u << (OPTION_STATE - 256),
	TAKES_UNTIL = 1u << (OPTION_UNTIL - 256),
	TAKES_SINCE = 1u << (OPTION_SINCE - 256),
	TAKES_AGAIN = 1u << (OPTION_AGAIN - 256),
	TAKES_ALL = 1u << (OPTION_ALL - 256),
};

static const struct option options[] = {{"why", required_argument, NULL, OPTION_WHY},
                                        {"project", required_argument, NULL, OPTION_PROJECT},
                                        {"target", required_argument, NULL, OPTION_TARGET},
                                        {"state", required_argument, NULL, OPTION_STATE},
                                        {"until", required_argument, NULL, OPTION_UNTIL},
                                        {"since", required_argument, NULL, OPTION_SINCE},
                                        {"again", required_argument, NULL, OPTION_AGAIN},
                                        {"all", no_argument, NULL, OPTION_ALL},
                                        {NULL, 0, NULL, 0}};

static const struct {
	const char *name;
	alerts_action run;
	int n_arguments;
	unsigned takes, needs;
	const char *role; /* of kpid, whose rights it needs */
} actions[] = {
        {"list", alerts_list, 0, TAKES_PROJECT | TAKES_TARGET | TAKES_STATE | TAKES_ALL, 0, "kpid_reader"},
        {"ack", alerts_ack, 1, TAKES_WHY | TAKES_AGAIN, TAKES_WHY, "kpid_operator"},
        {"unack", alerts_unack, 1, TAKES_WHY, TAKES_WHY, "kpid_operator"},
        {"silence", alerts_silence, 0, TAKES_WHY | TAKES_UNTIL | TAKES_SINCE | TAKES_PROJECT | TAKES_TARGET,
         TAKES_WHY | TAKES_UNTIL, "kpid_operator"},
        {"unsilence", alerts_unsilence, 1, 0, 0, "kpid_operator"},
        {"test", NULL, 1, 0, 0, NULL}, /* does not need the database */
};
#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))

static void take(struct alerts_request *request, int option)
{
	switch (option) {
	case OPTION_WHY:
		request->why = optarg;
		break;
	case OPTION_PROJECT:
		request->project = optarg;
		break;
	case OPTION_TARGET:
		request->target = optarg;
		break;
	case OPTION_STATE:
		request->state = optarg;
		break;
	case OPTION_UNTIL:
		request->until = optarg;
		break;
	case OPTION_SINCE:
		request->since = optarg;
		break;
	case OPTION_AGAIN:
		request->after = optarg;
		break;
	default:
		request->all = true;
		break;
	}
}

/* The name of the first option whose bit is set. */
static const char *option_of(unsigned bits)
{
	size_t i = 0;
	while (options[i].name != NULL && (bits & 1u << (options[i].val - 256)) == 0)
		i++;
	return options[i].name;
}

struct call {
	alerts_action run;
	const struct alerts_request *request;
};

static int run(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	const struct call *call = context;
	(void)config;
	return call->run(sync, call->request);
}

static int test(const struct cli *cli, const char *receiver)
{
	struct kpid_config *config;
	int status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	status = alerts_test(cli, config, receiver);
	kpid_config_free(config);
	return status;
}

int cmd_alerts(struct cli *cli, int argc, char **argv)
{
	struct alerts_request request = {.argument = NULL};
	int option, status;
	unsigned given = 0;
	size_t i = 0;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		given |= 1u << (option - 256);
		take(&request, option);
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "an action is missing: list, ack, unack, silence, unsilence or test");
	while (i < N_ACTIONS && strcmp(actions[i].name, argv[optind]) != 0)
		i++;
	if (i == N_ACTIONS)
		return cli_usage_error(cli, "unknown action %s; use list, ack, unack, silence, unsilence or test",
		                       argv[optind]);
	optind++;
	if (!cli_arguments(cli, argc, actions[i].n_arguments, actions[i].n_arguments))
		return CLI_USAGE;
	if ((given & ~actions[i].takes) != 0)
		return cli_usage_error(cli, "%s does not take --%s", actions[i].name,
		                       option_of(given & ~actions[i].takes));
	if ((actions[i].needs & ~given) != 0)
		return cli_usage_error(cli, "%s needs --%s", actions[i].name, option_of(actions[i].needs & ~given));
	request.argument = actions[i].n_arguments == 0 ? NULL : argv[optind];
	if (actions[i].run == NULL)
		return test(cli, request.argument);
	cli->needed_role = actions[i].role;
	return pg_sync_run(cli, run, &(struct call){actions[i].run, &request});
}
