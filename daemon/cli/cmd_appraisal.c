#include <string.h>

#include "cli/appraisal.h"

/* The values of the options: those of enum appraisal_option follow VALUE. */
enum { LANG = 256, ALL, EARLY, TICKET, VALUE };

/* The options that an action takes, as bits. Those of enum appraisal_option come first. */
#define TAKES(value) (1u << (value))
enum takes {
	TAKES_LANG = TAKES(APPRAISAL_N_VALUES),
	TAKES_ALL = TAKES_LANG << 1,
	TAKES_EARLY = TAKES_LANG << 2,
	TAKES_TICKET = TAKES_LANG << 3,
	TAKES_JSON = TAKES_LANG << 4
};
#define TAKES_PLAN   TAKES(APPRAISAL_PLAN_FILE)
#define TAKES_RECORD (TAKES(APPRAISAL_WHY) | TAKES(APPRAISAL_BY))
#define TAKES_CARD   (TAKES(APPRAISAL_IN) | TAKES(APPRAISAL_LEVEL))
#define TAKES_CHANGE                                                                                                   \
	(TAKES(APPRAISAL_EXCLUDE) | TAKES(APPRAISAL_INDICATOR) | TAKES(APPRAISAL_POINTS) | TAKES(APPRAISAL_UNDO))
#define TAKES_NOTE   (TAKES(APPRAISAL_BY) | TAKES_APPEAL | TAKES(APPRAISAL_TARGET) | TAKES(APPRAISAL_UNTIL))
#define TAKES_APPEAL (TAKES(APPRAISAL_IN) | TAKES(APPRAISAL_INDICATOR) | TAKES(APPRAISAL_TEXT) | TAKES_TICKET)

static const struct {
	const char *name;
	int (*run)(struct cli *cli, const struct appraisal_request *request);
	int n_arguments, most_arguments;
	unsigned takes; /* enum takes; with TAKES_RECORD, --why is required */
} actions[] = {
        {"check", appraisal_check, 1, 1, TAKES_JSON},
        {"show", appraisal_show, 1, 1, TAKES_LANG},
        {"diff", appraisal_diff, 2, 2, 0},
        {"apply", appraisal_apply, 1, 1, TAKES_JSON},
        {"roster", appraisal_roster, 1, 1, TAKES_JSON},
        {"preview", appraisal_preview, 1, 1, TAKES_PLAN | TAKES(APPRAISAL_WHY) | TAKES_JSON},
        {"refresh", appraisal_refresh, 0, 0, TAKES_ALL | TAKES_JSON},
        {"explain", appraisal_explain, 2, 3, TAKES_PLAN | TAKES(APPRAISAL_WHY) | TAKES_LANG | TAKES_JSON},
        {"report", appraisal_report, 2, 3, TAKES_PLAN | TAKES(APPRAISAL_WHY) | TAKES_LANG | TAKES(APPRAISAL_LEVEL)},
        {"enter", appraisal_enter, 4, 4, TAKES_RECORD | TAKES_CARD | TAKES_JSON},
        {"close", appraisal_close, 1, 1, TAKES_RECORD | TAKES_EARLY | TAKES_JSON},
        {"restate", appraisal_restate, 1, 1, TAKES_RECORD | TAKES_EARLY | TAKES_JSON},
        {"cards", appraisal_cards, 1, 1, TAKES(APPRAISAL_WHY) | TAKES_JSON},
        {"verify", appraisal_verify, 1, 1, TAKES(APPRAISAL_WHY) | TAKES_JSON},
        {"drift", appraisal_drift, 1, 1, TAKES(APPRAISAL_WHY) | TAKES_JSON},
        {"adjust", appraisal_adjust, 2, 2, TAKES_RECORD | TAKES_CARD | TAKES_CHANGE | TAKES_JSON},
        {"appeal", appraisal_appeal, 1, 1, TAKES_APPEAL | TAKES_JSON},
        {"withdraw", appraisal_withdraw, 1, 1, TAKES_JSON},
        {"appeals", appraisal_appeals, 0, 1, TAKES(APPRAISAL_WHY) | TAKES_JSON},
        {"decide", appraisal_decide, 2, 2, TAKES_RECORD | TAKES_CHANGE | TAKES_JSON},
        {"page", appraisal_page, 1, 2, TAKES(APPRAISAL_WHY) | TAKES_LANG | TAKES_JSON},
        {"access", appraisal_access, 0, 1, TAKES_JSON},
        {"note", appraisal_note, 1, 1, TAKES_NOTE | TAKES_JSON},
        {"notes", appraisal_notes, 0, 1, TAKES(APPRAISAL_WHY) | TAKES_ALL | TAKES_JSON},
        {"acknowledge", appraisal_acknowledge, 1, 1, TAKES_JSON},
        {"finish", appraisal_finish, 2, 2, TAKES(APPRAISAL_TEXT) | TAKES_JSON},
        {"pseudonyms", appraisal_pseudonyms, 0, 0, TAKES_JSON},
        {"forget", appraisal_forget, 1, 1, TAKES_RECORD | TAKES_JSON},
};
#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))
#define ACTIONS                                                                                                        \
	"check, show, diff, apply, roster, preview, explain, report, refresh, enter, close, restate, cards, verify, "  \
	"drift, adjust, appeal, withdraw, appeals, decide, page, access, note, notes, acknowledge, finish, "           \
	"pseudonyms or forget"

static const struct option options[] = {{"lang", required_argument, NULL, LANG},
                                        {"all", no_argument, NULL, ALL},
                                        {"early", no_argument, NULL, EARLY},
                                        {"ticket", required_argument, NULL, TICKET},
                                        {"plan", required_argument, NULL, VALUE + APPRAISAL_PLAN_FILE},
                                        {"why", required_argument, NULL, VALUE + APPRAISAL_WHY},
                                        {"by", required_argument, NULL, VALUE + APPRAISAL_BY},
                                        {"in", required_argument, NULL, VALUE + APPRAISAL_IN},
                                        {"level", required_argument, NULL, VALUE + APPRAISAL_LEVEL},
                                        {"exclude", required_argument, NULL, VALUE + APPRAISAL_EXCLUDE},
                                        {"indicator", required_argument, NULL, VALUE + APPRAISAL_INDICATOR},
                                        {"points", required_argument, NULL, VALUE + APPRAISAL_POINTS},
                                        {"undo", required_argument, NULL, VALUE + APPRAISAL_UNDO},
                                        {"text", required_argument, NULL, VALUE + APPRAISAL_TEXT},
                                        {"target", required_argument, NULL, VALUE + APPRAISAL_TARGET},
                                        {"until", required_argument, NULL, VALUE + APPRAISAL_UNTIL},
                                        {NULL, 0, NULL, 0}};

static unsigned bit_of(int option)
{
	switch (option) {
	case LANG:
		return TAKES_LANG;
	case ALL:
		return TAKES_ALL;
	case EARLY:
		return TAKES_EARLY;
	case TICKET:
		return TAKES_TICKET;
	default:
		return TAKES(option - VALUE);
	}
}

/* Returns CLI_OK or CLI_USAGE. */
static int take_option(struct cli *cli, int option, const char *value, struct appraisal_request *request)
{
	if (option == ALL) {
		request->all = true;
	} else if (option == EARLY) {
		request->early = true;
	} else if (option == LANG) {
		bool zh = strcmp(value, "zh") == 0;
		request->language = zh ? APPRAISAL_ZH : APPRAISAL_EN;
		if (!zh && strcmp(value, "en") != 0)
			return cli_usage_error(cli, "--lang takes zh or en, not %s", value);
	} else if (option == TICKET) {
		if (request->n_tickets == APPRAISAL_MOST_TICKETS)
			return cli_usage_error(cli, "--ticket may be given %d times", APPRAISAL_MOST_TICKETS);
		request->tickets[request->n_tickets++] = value;
	} else {
		request->values[option - VALUE] = value;
	}
	return CLI_OK;
}

/* The first option that is given and that the action does not take. */
static const char *superfluous(unsigned given, unsigned takes)
{
	for (size_t i = 0; options[i].name != NULL; i++)
		if ((given & ~takes & bit_of(options[i].val)) != 0)
			return options[i].name;
	return (given & ~takes & TAKES_JSON) != 0 ? "json" : NULL;
}

static bool check_values(const struct cli *cli, size_t action, struct appraisal_request *request)
{
	const char *level = request->values[APPRAISAL_LEVEL];
	if ((actions[action].takes & TAKES_RECORD) == TAKES_RECORD &&
	    (request->values[APPRAISAL_WHY] == NULL || request->values[APPRAISAL_WHY][0] == '\0')) {
		cli_usage_error(cli, "%s needs --why TEXT for its record", actions[action].name);
		return false;
	}
	if (level != NULL && strcmp(level, "agent") != 0 && strcmp(level, "team") != 0 &&
	    strcmp(level, "project") != 0) {
		cli_usage_error(cli, "--level takes agent, team or project, not %s", level);
		return false;
	}
	if (request->values[APPRAISAL_BY] == NULL)
		request->values[APPRAISAL_BY] = cli_user();
	return cli_is_short(cli, "--by", request->values[APPRAISAL_BY], CLI_MOST_WHO) &&
	       cli_is_short(cli, "--why", request->values[APPRAISAL_WHY], CLI_MOST_WHY) &&
	       cli_is_short(cli, "--text", request->values[APPRAISAL_TEXT], CLI_MOST_WHY);
}

/* Reads the action and its arguments, and runs it. */
static int run_action(struct cli *cli, int argc, char **argv, unsigned given, struct appraisal_request *request)
{
	size_t i = 0;
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
		return cli_usage_error(cli, "%s does not take --%s", actions[i].name, wrong);
	if (!check_values(cli, i, request))
		return CLI_USAGE;
	for (int n = 0; optind + n < argc; n++)
		request->arguments[n] = argv[optind + n];
	cli->needed_role = actions[i].run == appraisal_refresh ? "kpid_writer" : "kpid_hr";
	return actions[i].run(cli, request);
}

int cmd_appraisal(struct cli *cli, int argc, char **argv)
{
	struct appraisal_request request = {.language = APPRAISAL_EN};
	unsigned given = 0;
	int option, status;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		given |= bit_of(option);
		status = take_option(cli, option, optarg, &request);
		if (status != CLI_OK)
			return status;
	}
	if (option == CLI_OPTION_DONE)
		return status;
	return run_action(cli, argc, argv, given, &request);
}
