#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/gap.h"
#include "kpid/base/memory.h"

enum { OPTION_AT = 256 };

static bool is_number(const char *text)
{
	char *end;
	errno = 0;
	return text[0] >= '0' && text[0] <= '9' && strtoll(text, &end, 10) >= 0 && *end == '\0' && errno == 0;
}

/* Splits "TOPIC/PARTITION". Without a partition, all of it is the topic. */
static void split(struct gap_request *request)
{
	char *slash = strrchr(request->topic, '/');
	if (slash == NULL || slash == request->topic || !is_number(slash + 1))
		return;
	*slash = '\0';
	request->partition = slash + 1;
}

static const struct {
	const char *name;
	gap_action run;
	int n_arguments;
	bool needs_partition, takes_at;
} actions[] = {{"list", gap_list, 0, false, false},
               {"accept", gap_accept, 1, true, true},
               {"retire", gap_retire, 1, false, false}};
#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))

struct call {
	gap_action run;
	const struct gap_request *request;
};

static int run(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	const struct call *call = context;
	return call->run(sync, call->request, &config->topics);
}

static bool is_place(const char *at)
{
	return strcmp(at, "earliest") == 0 || strcmp(at, "expected") == 0 || is_number(at);
}

int cmd_gap(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"at", required_argument, NULL, OPTION_AT}, {NULL, 0, NULL, 0}};
	struct gap_request request = {.at = NULL};
	int option, status;
	size_t i = 0;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0)
		request.at = optarg;
	if (option == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "an action is missing: list, accept or retire");
	while (i < N_ACTIONS && strcmp(actions[i].name, argv[optind]) != 0)
		i++;
	if (i == N_ACTIONS)
		return cli_usage_error(cli, "unknown action %s; use list, accept or retire", argv[optind]);
	optind++;
	if (!cli_arguments(cli, argc, actions[i].n_arguments, actions[i].n_arguments))
		return CLI_USAGE;
	if (request.at != NULL && !actions[i].takes_at)
		return cli_usage_error(cli, "%s does not take --at", actions[i].name);
	if (request.at != NULL && !is_place(request.at))
		return cli_usage_error(cli, "--at takes earliest, expected or an offset, not %s", request.at);
	request.at = request.at == NULL ? "earliest" : request.at;
	request.topic = actions[i].n_arguments == 0 ? NULL : mem_strdup(argv[optind]);
	if (request.topic != NULL)
		split(&request);
	status = actions[i].needs_partition && request.partition == NULL
	                 ? cli_usage_error(cli, "%s needs TOPIC/PARTITION", actions[i].name)
	                 : pg_sync_run(cli, run, &(struct call){actions[i].run, &request});
	free(request.topic);
	return status;
}
