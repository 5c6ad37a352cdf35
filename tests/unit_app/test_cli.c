/* The framework of the command line, with commands of its own. Runs at the top of the source tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"

#define MAX_OUTPUT 16384

static char out[MAX_OUTPUT], err[MAX_OUTPUT];

/* What the fake command received. */
static struct {
	const char *config_path, *set, *name, *argument;
	size_t n_sets;
	int n_quick;
	bool json;
} seen;

static int cmd_fake(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
	        {"name", required_argument, NULL, 'n'}, {"quick", no_argument, NULL, 256}, {NULL, 0, NULL, 0}};
	int option, status;
	memset(&seen, 0, sizeof(seen));
	while ((option = cli_option(cli, argc, argv, "n:", options, &status)) >= 0) {
		if (option == 'n')
			seen.name = optarg;
		else
			seen.n_quick++;
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 1, 2))
		return CLI_USAGE;
	seen.argument = argv[optind];
	seen.config_path = cli->config_path;
	seen.n_sets = cli->n_sets;
	seen.set = cli->n_sets > 0 ? cli->sets[cli->n_sets - 1] : NULL;
	seen.json = cli->json;
	struct kpid_config *config;
	status = cli_load_config(cli, &config);
	if (status == CLI_OK)
		kpid_config_free(config);
	return status;
}

const struct cli_command cli_commands[] = {
        {"fake", "Pretend", "WHAT", "  -n, --name NAME  a name\n", cmd_fake},
        {"check-config", "Check", "", NULL, cmd_check_config},
        {"version", "Show the version", "", NULL, cmd_version},
        {NULL, NULL, NULL, NULL, NULL},
};

static void read_back(FILE *stream, char *text_out)
{
	rewind(stream);
	text_out[fread(text_out, 1, MAX_OUTPUT - 1, stream)] = '\0';
	fclose(stream);
}

/* Runs "kpid" with these words; out and err receive its output. */
static int run(const char *words)
{
	char *copy = strdup(words), *rest = copy, *word;
	char *argv[32] = {"kpid"};
	int argc = 1;
	while ((word = strsep(&rest, " ")) != NULL)
		if (word[0] != '\0')
			argv[argc++] = word;
	FILE *files[2] = {tmpfile(), tmpfile()};
	assert_true(files[0] != NULL && files[1] != NULL);
	fflush(stdout);
	int kept[2] = {dup(1), dup(2)};
	dup2(fileno(files[0]), 1);
	dup2(fileno(files[1]), 2);
	int status = cli_main(argc, argv);
	fflush(stdout);
	dup2(kept[0], 1);
	dup2(kept[1], 2);
	close(kept[0]);
	close(kept[1]);
	read_back(files[0], out);
	read_back(files[1], err);
	/* The words that the command received must outlive this call. */
	static char *last;
	free(last);
	last = copy;
	return status;
}

static void test_help(void **state)
{
	(void)state;
	static const char *const asks[] = {"--help", "-h", "help", "--json --help"};
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		assert_int_equal(run(asks[i]), CLI_OK);
		assert_non_null(strstr(out, "\n  fake          Pretend\n"));
		assert_non_null(strstr(out, "Exit status:\n   0  success\n"));
		assert_string_equal(err, "");
	}
	static const char *const command_asks[] = {"fake --help", "fake x -h", "help fake", "--json fake -n a --help"};
	for (size_t i = 0; i < sizeof(command_asks) / sizeof(command_asks[0]); i++) {
		assert_int_equal(run(command_asks[i]), CLI_OK);
		assert_ptr_equal(strstr(out, "Usage: kpid fake [OPTION]... WHAT\n\nPretend.\n"), out);
		assert_non_null(strstr(out, "--name NAME"));
		assert_non_null(strstr(out, "--set SECTION.KEY=VALUE"));
		assert_string_equal(err, "");
	}
}

static void test_usage_errors(void **state)
{
	(void)state;
	static const struct {
		const char *words, *message;
	} rows[] = {
	        {"", "kpid: a command is missing\nRun kpid --help for help.\n"},
	        {"fke", "kpid: unknown command fke; did you mean fake?\n"},
	        {"weather", "kpid: unknown command weather\n"},
	        {"--jso-n fake", "kpid: unknown option --jso-n; did you mean --json?\n"},
	        {"fake --quik x",
	         "kpid fake: unknown option --quik; did you mean --quick?\nRun kpid fake --help for help.\n"},
	        {"fake --weather x", "kpid fake: unknown option --weather\n"},
	        {"fake -x y", "kpid fake: unknown option -x\n"},
	        {"fake --quick=3 y", "kpid fake: --quick does not take a value\n"},
	        {"fake y --name", "kpid fake: --name needs a value\n"},
	        {"fake y -n", "kpid fake: -n needs a value\n"},
	        {"fake --version y", "kpid fake: unknown option --version\n"},
	        {"fake", "kpid fake: an argument is missing\n"},
	        {"fake a b c", "kpid fake: too many arguments\n"},
	        {"version now", "kpid version: this takes no arguments\n"},
	        {"check-config --show --sample",
	         "kpid check-config: only one of --show, --sample, --man, --markdown and --metrics\n"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(run(rows[i].words), CLI_USAGE);
		assert_string_equal(out, "");
		if (strstr(err, rows[i].message) != err)
			fail_msg("kpid %s: %s", rows[i].words, err);
	}
}

static void test_options(void **state)
{
	(void)state;
	assert_int_equal(run("-c tests/config/good.ini --set run.lanes=3 fake --json a --name b --quick --set "
	                     "run.lanes=4 --quick"),
	                 CLI_OK);
	assert_string_equal(seen.config_path, "tests/config/good.ini");
	assert_int_equal(seen.n_sets, 2);
	assert_string_equal(seen.set, "run.lanes=4");
	assert_string_equal(seen.name, "b");
	assert_string_equal(seen.argument, "a");
	assert_int_equal(seen.n_quick, 2);
	assert_true(seen.json);
	assert_int_equal(run("fake -- --name"), CLI_OK);
	assert_string_equal(seen.argument, "--name");
	assert_null(seen.name);
}

static void test_faults(void **state)
{
	(void)state;
	assert_int_equal(run("fake x --set run.lanes=99"), CLI_CONFIG);
	assert_string_equal(out, "");
	assert_string_equal(err, "--set:1: run.lanes: 99 is out of range: 1 to 16\n");
	assert_int_equal(run("check-config --set run.lanes=99"), CLI_CONFIG);
	assert_string_equal(out, "--set:1: run.lanes: 99 is out of range: 1 to 16\n");
	assert_string_equal(err, "");
	assert_int_equal(run("check-config --json --set run.lanes=99"), CLI_CONFIG);
	assert_string_equal(
	        out, "{\"ok\": false, \"can_run\": false, \"faults\": [{\"file\": \"--set\", \"line\": 1, "
	             "\"key\": \"run.lanes\", \"message\": \"99 is out of range: 1 to 16\", \"level\": \"error\"}]}\n");
}

static void test_check_config(void **state)
{
	(void)state;
	assert_int_equal(run("check-config -c tests/config/good.ini"), CLI_OK);
	assert_string_equal(out, "tests/config/good.ini: ok\n");
	assert_int_equal(run("check-config -c tests/config/good.ini --json"), CLI_OK);
	assert_string_equal(out, "{\"ok\": true, \"can_run\": true, \"faults\": []}\n");
	assert_int_equal(run("check-config --json"), CLI_OK);
	assert_string_equal(out, "{\"ok\": true, \"can_run\": false, \"faults\": []}\n");
	assert_int_equal(run("check-config --set postgres.host=a,b"), CLI_OK);
	assert_non_null(strstr(out, "target_session_attrs: warning: set it to read-write"));
	assert_int_equal(run("check-config --set postgres.host=a,b --set postgres.target_session_attrs=primary"),
	                 CLI_OK);
	assert_null(strstr(out, "read-write"));
	assert_int_equal(run("check-config"), CLI_OK);
	assert_non_null(strstr(out, "kafka.bootstrap.servers: is missing"));
	assert_int_equal(run("check-config --show -c tests/config/good.ini"), CLI_OK);
	assert_non_null(strstr(out, "\n[run]\nlanes = 4\n"));
	assert_int_equal(run("check-config --sample"), CLI_OK);
	assert_non_null(strstr(out, "\n#lanes = 1\n"));
	assert_int_equal(run("check-config --man"), CLI_OK);
	assert_ptr_equal(strstr(out, ".TH KPID.INI 5"), out);

	assert_int_equal(run("check-config -c tests/config/good.ini --set sla.policy_file=tests/config/policy.json"),
	                 CLI_OK);
	assert_string_equal(out, "tests/config/good.ini: ok\n");
	/* Policies belong to the configuration, so their errors are among its errors. */
	assert_int_equal(run("check-config --set sla.policy_file=tests/config/not-a-policy.json"), CLI_CONFIG);
	assert_ptr_equal(strstr(out, "tests/config/not-a-policy.json:2: "), out);
}

static void test_version(void **state)
{
	(void)state;
	assert_int_equal(run("version"), CLI_OK);
	assert_ptr_equal(strstr(out, "kpid " KPID_VERSION "\nlibevent"), out);
	assert_int_equal(run("--version"), CLI_OK);
	assert_ptr_equal(strstr(out, "kpid " KPID_VERSION "\nlibevent"), out);
	assert_int_equal(run("version --json"), CLI_OK);
	assert_ptr_equal(strstr(out, "{\"kpid\": \"" KPID_VERSION "\", \"libraries\": {\"libevent\": {\"compiled\": "),
	                 out);
}

int main(void)
{
	/* Nothing of this machine: as if there were no configuration. */
	setenv("KPID_CONFIG", "/dev/null", 1);
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_help),   cmocka_unit_test(test_usage_errors), cmocka_unit_test(test_options),
	        cmocka_unit_test(test_faults), cmocka_unit_test(test_check_config), cmocka_unit_test(test_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
