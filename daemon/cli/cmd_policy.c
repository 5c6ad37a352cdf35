#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/file_text.h"
#include "cli/policy_diff.h"
#include "cli/policy_file.h"
#include "cli/policy_recalc.h"
#include "cli/policy_show.h"
#include "cli/policy_test.h"
#include "kpid/core/timestamp.h"

enum { SINCE = 256, UNTIL, WHY };

static int fail_with(const struct cli *cli, const struct config_errors *errors)
{
	file_text_print_errors(cli, errors);
	return CLI_CONFIG;
}

static void print_set(const struct policy_set *set)
{
	struct buf out = BUF_INIT;
	policy_show(set, &out);
	fwrite(buf_text(&out).ptr, 1, out.len_bytes, stdout);
	buf_release(&out);
}

static int run(const struct cli *cli, const char *action, const char *path, struct policy_test_request *request)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	bool check = strcmp(action, "check") == 0;
	struct policy_set *set = policy_file_read(path, check, &errors, check ? &errors : NULL);
	int status = CLI_OK;
	if (set == NULL) {
		status = fail_with(cli, &errors);
	} else if (check) {
		file_text_print_errors(cli, &errors);
		fputs(cli->json ? "" : "ok\n", stdout);
	} else if (strcmp(action, "show") == 0) {
		print_set(set);
	} else {
		request->set = set;
		status = policy_test(cli, request);
	}
	policy_set_free(set);
	config_errors_release(&errors);
	return status;
}

static int run_diff(const struct cli *cli, const char *old_path, const char *new_path)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct policy_set *old_set = policy_file_read(old_path, false, &errors, NULL);
	struct policy_set *new_set = policy_file_read(new_path, false, &errors, NULL);
	int status = CLI_OK;
	if (old_set == NULL || new_set == NULL) {
		status = fail_with(cli, &errors);
	} else {
		struct buf out = BUF_INIT;
		policy_diff(old_set, new_set, &out);
		fputs(out.len_bytes == 0 ? "no changes\n" : out.data, stdout);
		buf_release(&out);
	}
	policy_set_free(old_set);
	policy_set_free(new_set);
	config_errors_release(&errors);
	return status;
}

static bool is_time(const char *text)
{
	int64_t us;
	return text == NULL || timestamp_parse(text_of(text), &us);
}

static int recalc(struct cli *cli, const struct policy_recalc_request *request)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct policy_set *set = policy_file_read(request->path, false, &errors, NULL);
	int status = set == NULL ? fail_with(cli, &errors) : policy_recalc(cli, request);
	policy_set_free(set);
	config_errors_release(&errors);
	return status;
}

enum action { CHECK, SHOW, DIFF, TEST, RECALC, N_ACTIONS };

static const struct {
	const char *name;
	int n_files;
	bool has_json, of_tickets;
} actions[N_ACTIONS] = {
        [CHECK] = {"check", 1, true, false}, [SHOW] = {"show", 1, false, false},   [DIFF] = {"diff", 2, false, false},
        [TEST] = {"test", 1, true, true},    [RECALC] = {"recalc", 1, true, true},
};

int cmd_policy(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"since", required_argument, NULL, SINCE},
	                                        {"until", required_argument, NULL, UNTIL},
	                                        {"why", required_argument, NULL, WHY},
	                                        {NULL, 0, NULL, 0}};
	struct policy_test_request request = {NULL, NULL, NULL};
	const char *why = NULL;
	int option, status, action = 0;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		if (option == SINCE)
			request.since = optarg;
		else if (option == UNTIL)
			request.until = optarg;
		else
			why = optarg;
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "an action is missing: check, show, diff, test or recalc");
	const char *name = argv[optind++];
	while (action < N_ACTIONS && strcmp(actions[action].name, name) != 0)
		action++;
	if (action == N_ACTIONS)
		return cli_usage_error(cli, "unknown action %s; use check, show, diff, test or recalc", name);
	if (!cli_arguments(cli, argc, actions[action].n_files, actions[action].n_files))
		return CLI_USAGE;
	if (!actions[action].has_json && cli->json)
		return cli_usage_error(cli, "%s does not take --json: the file itself is JSON", name);
	if (!actions[action].of_tickets && (request.since != NULL || request.until != NULL))
		return cli_usage_error(cli, "%s does not take --since or --until", name);
	if (!is_time(request.since) || !is_time(request.until))
		return cli_usage_error(
		        cli, "--since and --until take a time with a zone, such as 2026-10-01T00:00:00+08:00");
	if ((action == RECALC) != (why != NULL && why[0] != '\0'))
		return cli_usage_error(cli, action == RECALC ? "recalc needs --why TEXT for its record"
		                                             : "only recalc takes --why");
	if (!cli_is_short(cli, "--why", why, CLI_MOST_WHY))
		return CLI_USAGE;
	if (action == DIFF)
		return run_diff(cli, argv[optind], argv[optind + 1]);
	if (action == RECALC)
		return recalc(cli, &(struct policy_recalc_request){argv[optind], why, request.since, request.until});
	return run(cli, name, argv[optind], &request);
}
