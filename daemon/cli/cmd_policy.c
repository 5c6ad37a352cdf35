#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/policy_file.h"
#include "cli/policy_show.h"

static int print_faults(const struct cli *cli, const struct config_faults *faults)
{
	struct buf out = BUF_INIT;
	if (cli->json) {
		config_faults_write_json(faults, &out);
		buf_add_char(&out, '\n');
	} else {
		config_faults_write(faults, &out);
	}
	fwrite(buf_text(&out).ptr, 1, out.len_bytes, cli->json ? stdout : stderr);
	buf_release(&out);
	return CLI_CONFIG;
}

static void print_words(const struct policy_set *set)
{
	struct buf out = BUF_INIT;
	policy_show(set, &out);
	fwrite(buf_text(&out).ptr, 1, out.len_bytes, stdout);
	buf_release(&out);
}

static int run(const struct cli *cli, const char *path, bool show)
{
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct policy_set *set = policy_file_read(path, !show, &faults);
	int status = CLI_OK;
	if (set == NULL)
		status = print_faults(cli, &faults);
	else if (show)
		print_words(set);
	else
		puts(cli->json ? "[]" : "ok");
	policy_set_free(set);
	config_faults_release(&faults);
	return status;
}

int cmd_policy(struct cli *cli, int argc, char **argv)
{
	int option, status;
	while ((option = cli_option(cli, argc, argv, "", NULL, &status)) >= 0)
		;
	if (option == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "check or show?");
	const char *action = argv[optind++];
	bool show = strcmp(action, "show") == 0;
	if (!show && strcmp(action, "check") != 0)
		return cli_usage_error(cli, "it is check or show, not %s", action);
	if (!cli_arguments(cli, argc, 1, 1))
		return CLI_USAGE;
	if (show && cli->json)
		return cli_usage_error(cli, "show is for people: the file itself is JSON");
	return run(cli, argv[optind], show);
}
