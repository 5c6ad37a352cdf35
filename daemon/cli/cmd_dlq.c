/* kpid dlq: shows rejected messages, and reads them again once the cause is fixed. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/dlq.h"
#include "kpid/base/memory.h"

enum { OPTION_REASON = 256, OPTION_TOPIC, OPTION_LIMIT, OPTION_RAW, OPTION_DRY_RUN, OPTION_END };
#define BIT(option) (1u << ((option)-OPTION_REASON))

static const struct option options[] = {
        {"reason", required_argument, NULL, OPTION_REASON}, {"topic", required_argument, NULL, OPTION_TOPIC},
        {"limit", required_argument, NULL, OPTION_LIMIT},   {"raw", no_argument, NULL, OPTION_RAW},
        {"dry-run", no_argument, NULL, OPTION_DRY_RUN},     {NULL, 0, NULL, 0}};

enum dlq_action { DLQ_LIST, DLQ_SHOW, DLQ_REQUEUE, DLQ_N_ACTIONS };

static const struct {
	const char *name;
	unsigned options;      /* bits of the options that it takes */
	int at_least, at_most; /* number of arguments */
} actions[DLQ_N_ACTIONS] = {
        [DLQ_LIST] = {"list", BIT(OPTION_REASON) | BIT(OPTION_TOPIC) | BIT(OPTION_LIMIT), 0, 0},
        [DLQ_SHOW] = {"show", BIT(OPTION_RAW), 1, 1},
        [DLQ_REQUEUE] = {"requeue", BIT(OPTION_REASON) | BIT(OPTION_DRY_RUN), 0, -1},
};

static enum dlq_action find_action(const char *name)
{
	int i = 0;
	while (i < DLQ_N_ACTIONS && strcmp(actions[i].name, name) != 0)
		i++;
	return (enum dlq_action)i;
}

static void set_option(struct dlq_request *request, int option)
{
	switch (option) {
	case OPTION_REASON:
		request->reason = optarg;
		break;
	case OPTION_TOPIC:
		request->topic = optarg;
		break;
	case OPTION_LIMIT:
		request->limit = optarg;
		break;
	case OPTION_RAW:
		request->raw = true;
		break;
	default:
		request->dry_run = true;
	}
}

static bool is_number(const char *text)
{
	size_t n = strspn(text, "0123456789");
	return n > 0 && n <= 9 && text[n] == '\0';
}

static bool is_reason(const char *text)
{
	for (int i = 0; i < DEAD_N_REASONS; i++)
		if (strcmp(text, dead_letter_reason_name((enum dead_letter_reason)i)) == 0)
			return true;
	return false;
}

static int read_keys(const struct cli *cli, struct dlq_request *request, char **arguments, int n)
{
	request->keys = mem_zalloc((size_t)n * sizeof(*request->keys));
	for (int i = 0; i < n; i++) {
		if (!dlq_parse_key(arguments[i], &request->keys[request->n_keys]))
			return cli_usage_error(cli, "%s is not TOPIC/PARTITION/OFFSET", arguments[i]);
		request->n_keys++;
	}
	return CLI_OK;
}

static int check(const struct cli *cli, enum dlq_action action, const struct dlq_request *request, unsigned given)
{
	for (int option = OPTION_REASON; option < OPTION_END; option++)
		if ((given & ~actions[action].options & BIT(option)) != 0)
			return cli_usage_error(cli, "%s does not take --%s", actions[action].name,
			                       options[option - OPTION_REASON].name);
	if (!is_number(request->limit))
		return cli_usage_error(cli, "--limit takes a number");
	if (request->reason != NULL && !is_reason(request->reason))
		return cli_usage_error(cli, "unknown reason %s", request->reason);
	if (action == DLQ_REQUEUE && (request->reason == NULL) == (request->n_keys == 0))
		return cli_usage_error(cli, "requeue takes either TOPIC/PARTITION/OFFSET or --reason");
	if (request->raw && isatty(STDOUT_FILENO))
		return cli_usage_error(cli, "--raw prints raw bytes: redirect them to a file or a program");
	return CLI_OK;
}

struct call {
	enum dlq_action action;
	const struct dlq_request *request;
};

static int run(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	const struct call *call = context;
	if (call->action == DLQ_LIST)
		return dlq_list(sync, call->request);
	if (call->action == DLQ_SHOW)
		return dlq_show(sync, &call->request->keys[0], call->request->raw);
	return dlq_requeue(sync, call->request, config);
}

int cmd_dlq(struct cli *cli, int argc, char **argv)
{
	struct dlq_request request = {.limit = "50"};
	int option, status;
	unsigned given = 0;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		given |= BIT(option);
		set_option(&request, option);
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "an action is missing: list, show or requeue");
	enum dlq_action action = find_action(argv[optind]);
	if (action == DLQ_N_ACTIONS)
		return cli_usage_error(cli, "unknown action %s; use list, show or requeue", argv[optind]);
	optind++;
	if (!cli_arguments(cli, argc, actions[action].at_least, actions[action].at_most))
		return CLI_USAGE;
	status = read_keys(cli, &request, argv + optind, argc - optind);
	if (status == CLI_OK)
		status = check(cli, action, &request, given);
	if (status == CLI_OK)
		status = pg_sync_run(cli, run, &(struct call){action, &request});
	for (size_t i = 0; i < request.n_keys; i++)
		free(request.keys[i].topic);
	free(request.keys);
	return status;
}
