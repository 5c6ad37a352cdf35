#include <string.h>

#include "cli/appraisal.h"

enum { LANG = 256, PLAN, ALL };

enum takes { NO_OPTION = 0, TAKES_LANG = 1, TAKES_PLAN = 2, TAKES_JSON = 4, TAKES_ALL = 8 };

static const struct {
	const char *name;
	int (*run)(struct cli *cli, const struct appraisal_request *request);
	int n_arguments, most_arguments;
	unsigned takes; /* enum takes */
} actions[] = {
        {"check", appraisal_check, 1, 1, TAKES_JSON},
        {"show", appraisal_show, 1, 1, TAKES_LANG},
        {"diff", appraisal_diff, 2, 2, NO_OPTION},
        {"apply", appraisal_apply, 1, 1, TAKES_JSON},
        {"roster", appraisal_roster, 1, 1, TAKES_JSON},
        {"preview", appraisal_preview, 1, 1, TAKES_PLAN | TAKES_JSON},
        {"refresh", appraisal_refresh, 0, 0, TAKES_ALL | TAKES_JSON},
        {"explain", appraisal_explain, 2, 3, TAKES_PLAN | TAKES_LANG | TAKES_JSON},
};
#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))
#define ACTIONS   "check, show, diff, apply, roster, preview, explain or refresh"

static bool read_language(const char *word, enum appraisal_language *language_out)
{
	bool zh = strcmp(word, "zh") == 0;
	*language_out = zh ? APPRAISAL_ZH : APPRAISAL_EN;
	return zh || strcmp(word, "en") == 0;
}

/* The first option that is given and that the action does not take. */
static const char *superfluous(unsigned given, unsigned takes)
{
	static const struct {
		unsigned option;
		const char *name;
	} names[] = {{TAKES_LANG, "--lang"}, {TAKES_PLAN, "--plan"}, {TAKES_ALL, "--all"}, {TAKES_JSON, "--json"}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((given & ~takes & names[i].option) != 0)
			return names[i].name;
	return NULL;
}

int cmd_appraisal(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"lang", required_argument, NULL, LANG},
	                                        {"plan", required_argument, NULL, PLAN},
	                                        {"all", no_argument, NULL, ALL},
	                                        {NULL, 0, NULL, 0}};
	struct appraisal_request request = {.language = APPRAISAL_EN};
	unsigned given = 0;
	int option, status;
	size_t i = 0;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		given |= option == LANG ? TAKES_LANG : option == PLAN ? TAKES_PLAN : TAKES_ALL;
		if (option == ALL)
			request.all = true;
		else if (option == PLAN)
			request.plan_path = optarg;
		else if (!read_language(optarg, &request.language))
			return cli_usage_error(cli, "--lang takes zh or en, not %s", optarg);
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "an action is missing: " ACTIONS);
	while (i < N_ACTIONS && strcmp(actions[i].name, argv[optind]) != 0)
		i++;
	if (i == N_ACTIONS)
		return cli_usage_error(cli, "unknown action %s; use " ACTIONS, argv[optind]);
	optind++;
	if (!cli_arguments(cli, argc, actions[i].n_arguments, actions[i].most_arguments))
		return CLI_USAGE;
	given |= cli->json ? TAKES_JSON : 0;
	const char *wrong = superfluous(given, actions[i].takes);
	if (wrong != NULL)
		return cli_usage_error(cli, "%s does not take %s", actions[i].name, wrong);
	for (int n = 0; optind + n < argc; n++)
		request.arguments[n] = argv[optind + n];
	cli->needed_role = actions[i].run == appraisal_refresh ? "kpid_writer" : "kpid_hr";
	return actions[i].run(cli, &request);
}
