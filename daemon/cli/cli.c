#include "cli/cli.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/suggest.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

#define MAX_LONG_OPTIONS 32

enum { OPTION_SET = 1000, OPTION_JSON, OPTION_VERSION };

/* A command takes the first N_COMMAND_OPTIONS, `kpid` itself all of them. */
static const struct option global_options[] = {
        {"config", required_argument, NULL, 'c'},       {"set", required_argument, NULL, OPTION_SET},
        {"json", no_argument, NULL, OPTION_JSON},       {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, OPTION_VERSION},
};
#define N_COMMAND_OPTIONS 4
#define N_GLOBAL_OPTIONS  5

static void print_global_options(FILE *stream)
{
	fputs("  -c, --config FILE            the configuration; default $KPID_CONFIG, else " KPID_CONFIG_DEFAULT_PATH
	      "\n"
	      "      --set SECTION.KEY=VALUE  override an option of the configuration; may be repeated\n"
	      "      --json                   print JSON\n"
	      "  -h, --help                   show this help\n",
	      stream);
}

static void print_help(void)
{
	printf("Usage: kpid [OPTION]... COMMAND [ARGUMENT]...\n\n"
	       "Computes exact KPIs and SLA alerts from help-desk events: from Kafka to PostgreSQL.\n\nCommands:\n");
	for (const struct cli_command *command = cli_commands; command->name != NULL; command++)
		printf("  %-13s %s\n", command->name, command->help);
	printf("\nOptions:\n");
	print_global_options(stdout);
	printf("      --version                show the version\n\n"
	       "Run `kpid COMMAND --help` for more about a command.\n\n"
	       "Exit status:\n"
	       "  %2d  success\n"
	       "  %2d  the command failed or found nothing\n"
	       "  %2d  the command line is wrong\n"
	       "  %2d  the configuration or a policy file has errors\n"
	       "  %2d  PostgreSQL is unreachable or refuses\n"
	       "  %2d  Kafka is unreachable\n"
	       "  %2d  internal error: please report it\n"
	       "  %2d  out of memory\n",
	       CLI_OK, CLI_FAILED, CLI_USAGE, CLI_CONFIG, CLI_NO_POSTGRES, CLI_NO_KAFKA, CLI_FAULT, CLI_OUT_OF_MEMORY);
}

static void print_command_help(const struct cli_command *command)
{
	printf("Usage: kpid %s [OPTION]...%s%s\n\n%s.\n", command->name, command->usage[0] == '\0' ? "" : " ",
	       command->usage, command->help);
	if (command->more != NULL)
		printf("\n%s", command->more);
	printf("\nOptions of all commands:\n");
	print_global_options(stdout);
}

__attribute__((format(printf, 2, 0))) static void usage_error(const struct cli *cli, const char *format,
                                                              va_list arguments)
{
	const char *name = cli->command == NULL ? "" : cli->command->name;
	const char *space = name[0] == '\0' ? "" : " ";
	fprintf(stderr, "kpid%s%s: ", space, name);
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\nRun kpid%s%s --help for help.\n", space, name);
}

int cli_usage_error(const struct cli *cli, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	usage_error(cli, format, arguments);
	va_end(arguments);
	return CLI_USAGE;
}

/* Reports what getopt_long() returned '?' for. */
static int unknown_option(const struct cli *cli, char **argv, const struct option *options)
{
	if (optopt > 0 && optopt < 256)
		return cli_usage_error(cli, "unknown option -%c", optopt);
	const char *written = argv[optind - 1];
	if (optopt != 0) /* a known option without a value was given one */
		return cli_usage_error(cli, "%.*s does not take a value", (int)strcspn(written, "="), written);
	struct suggestion suggestion;
	suggestion_init(&suggestion, written + strspn(written, "-"));
	for (const struct option *option = options; option->name != NULL; option++)
		suggestion_offer(&suggestion, option->name);
	if (suggestion.nearest != NULL)
		return cli_usage_error(cli, "unknown option %s; did you mean --%s?", written, suggestion.nearest);
	return cli_usage_error(cli, "unknown option %s", written);
}

void cli_add_set(struct cli *cli, const char *set)
{
	cli->sets = mem_realloc(cli->sets, (cli->n_sets + 1) * sizeof(*cli->sets));
	cli->sets[cli->n_sets++] = set;
}

void cli_remove_set(struct cli *cli)
{
	cli->n_sets--;
}

/* Handles global options and returns the next other one. n_global: number of global options to accept. */
static int next_option(struct cli *cli, int argc, char **argv, const char *short_options,
                       const struct option *long_options, size_t n_global, int *status_out)
{
	struct option options[MAX_LONG_OPTIONS + N_GLOBAL_OPTIONS + 1] = {{NULL, 0, NULL, 0}};
	memcpy(options, global_options, n_global * sizeof(*options));
	for (size_t n = 0; long_options != NULL && long_options[n].name != NULL && n < MAX_LONG_OPTIONS; n++)
		options[n_global + n] = long_options[n];
	opterr = 0;
	for (;;) {
		int option = getopt_long(argc, argv, short_options, options, NULL);
		switch (option) {
		case 'c':
			cli->config_path = optarg;
			break;
		case OPTION_SET:
			cli_add_set(cli, optarg);
			break;
		case OPTION_JSON:
			cli->json = true;
			break;
		case 'h':
			if (cli->command == NULL)
				print_help();
			else
				print_command_help(cli->command);
			*status_out = CLI_OK;
			return CLI_OPTION_DONE;
		case ':':
			*status_out = cli_usage_error(cli, "%s needs a value", argv[optind - 1]);
			return CLI_OPTION_DONE;
		case '?':
			*status_out = unknown_option(cli, argv, options);
			return CLI_OPTION_DONE;
		default:
			return option;
		}
	}
}

int cli_option(struct cli *cli, int argc, char **argv, const char *short_options, const struct option *long_options,
               int *status_out)
{
	struct buf letters = BUF_INIT;
	buf_add_format(&letters, ":c:h%s", short_options);
	int option = next_option(cli, argc, argv, letters.data, long_options, N_COMMAND_OPTIONS, status_out);
	buf_release(&letters);
	return option;
}

bool cli_arguments(const struct cli *cli, int argc, int at_least, int at_most)
{
	int n = argc - optind;
	if (n < at_least)
		cli_usage_error(cli, "%s", n == 0 ? "an argument is missing" : "too few arguments");
	else if (at_most >= 0 && n > at_most)
		cli_usage_error(cli, "%s", at_most == 0 ? "this takes no arguments" : "too many arguments");
	else
		return true;
	return false;
}

void cli_print_errors(const struct config_errors *errors)
{
	struct buf lines = BUF_INIT;
	config_errors_write(errors, &lines);
	fputs(buf_text(&lines).ptr, stderr);
	buf_release(&lines);
}

int cli_load_config(const struct cli *cli, struct kpid_config **config_out)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	*config_out = kpid_config_load(kpid_config_path(cli->config_path), cli->sets, cli->n_sets, &errors);
	if (*config_out == NULL)
		cli_print_errors(&errors);
	else
		log_set_level((enum log_level)(*config_out)->run.log_level);
	config_errors_release(&errors);
	return *config_out == NULL ? CLI_CONFIG : CLI_OK;
}

static const struct cli_command *find_command(const struct cli *cli, const char *name)
{
	struct suggestion suggestion;
	suggestion_init(&suggestion, name);
	for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
		suggestion_offer(&suggestion, command->name);
	}
	if (suggestion.nearest != NULL)
		cli_usage_error(cli, "unknown command %s; did you mean %s?", name, suggestion.nearest);
	else
		cli_usage_error(cli, "unknown command %s", name);
	return NULL;
}

static int run_command(struct cli *cli, int argc, char **argv)
{
	const struct cli_command *command = find_command(cli, argv[0]);
	if (command == NULL)
		return CLI_USAGE;
	cli->command = command;
	optind = 0; /* resets glibc's getopt */
	return command->run(cli, argc, argv);
}

/* Handles the options before the command's name, then runs the command. */
static int dispatch(struct cli *cli, int argc, char **argv)
{
	int status = CLI_OK;
	optind = 0;
	int option = next_option(cli, argc, argv, "+:c:h", NULL, N_GLOBAL_OPTIONS, &status);
	if (option == CLI_OPTION_DONE)
		return status;
	static char version[] = "version", help[] = "--help";
	if (option == OPTION_VERSION)
		return run_command(cli, 1, (char *[]){version, NULL});
	if (optind >= argc)
		return cli_usage_error(cli, "a command is missing");
	if (strcmp(argv[optind], "help") != 0)
		return run_command(cli, argc - optind, argv + optind);
	if (optind + 1 < argc)
		return run_command(cli, 2, (char *[]){argv[optind + 1], help, NULL});
	print_help();
	return CLI_OK;
}

int cli_main(int argc, char **argv)
{
	struct cli cli = {.command = NULL};
	int status = dispatch(&cli, argc, argv);
	free(cli.sets);
	/* Lost output is a failure, even if the command succeeded. */
	if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == CLI_OK) {
		fprintf(stderr, "kpid: cannot write: %s\n", strerror(errno));
		status = CLI_FAILED;
	}
	return status;
}

bool cli_is_short(const struct cli *cli, const char *option, const char *text, size_t most_characters)
{
	size_t n = 0;
	for (const char *at = text; at != NULL && *at != '\0'; at++)
		n += (*at & 0xc0) != 0x80;
	if (n > most_characters)
		cli_usage_error(cli, "%s takes at most %zu characters", option, most_characters);
	return n <= most_characters;
}

const char *cli_user(void)
{
	const char *name = getenv("USER");
	if (name != NULL && name[0] != '\0' && strlen(name) <= CLI_MOST_WHO)
		return name;
	const struct passwd *user = getpwuid(geteuid());
	return user == NULL ? "unknown" : user->pw_name;
}
