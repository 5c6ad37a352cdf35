/* The command line: each command has a row in commands.c and a file cmd_<name>.c.
 * Data goes to stdout, messages go to stderr. Nothing here calls exit(): a command returns its status. */
#ifndef KPID_CLI_H
#define KPID_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "kpid/config.h"

/* Exit statuses of all commands, as documented in `kpid --help` and kpid(1). */
enum cli_status {
	CLI_OK = 0,
	CLI_FAILED = 1,        /* the command failed or found nothing */
	CLI_USAGE = 2,         /* the command line is wrong */
	CLI_CONFIG = 3,        /* the configuration or a policy file has errors, printed to stderr */
	CLI_NO_POSTGRES = 4,   /* PostgreSQL is unreachable or refuses */
	CLI_NO_KAFKA = 5,      /* Kafka is unreachable */
	CLI_FAULT = 70,        /* see base/check.h */
	CLI_OUT_OF_MEMORY = 71 /* see base/memory.h */
};

/* The global options, which may come before or after the command's name. */
struct cli {
	const struct cli_command *command; /* the running command; NULL until it is known */
	const char *config_path;           /* --config; NULL: not given */
	const char **sets;                 /* --set, in order */
	size_t n_sets;
	bool json;               /* --json */
	const char *needed_role; /* of kpid, whose rights the command needs; NULL: kpid_writer */
};

struct cli_command {
	const char *name;
	const char *help;  /* one line */
	const char *usage; /* arguments after the name, such as "up|status|verify" */
	const char *more;  /* further lines of its --help, with its own options; or NULL */
	/* argv[0] is the command's name. Returns an enum cli_status. */
	int (*run)(struct cli *cli, int argc, char **argv);
};

/* Defined in commands.c; ended by a row without a name. */
extern const struct cli_command cli_commands[];

int cmd_run(struct cli *cli, int argc, char **argv);
int cmd_ingest(struct cli *cli, int argc, char **argv);
int cmd_map(struct cli *cli, int argc, char **argv);
int cmd_migrate(struct cli *cli, int argc, char **argv);
int cmd_check_config(struct cli *cli, int argc, char **argv);
int cmd_explain(struct cli *cli, int argc, char **argv);
int cmd_dlq(struct cli *cli, int argc, char **argv);
int cmd_gap(struct cli *cli, int argc, char **argv);
int cmd_source(struct cli *cli, int argc, char **argv);
int cmd_settings(struct cli *cli, int argc, char **argv);
int cmd_alerts(struct cli *cli, int argc, char **argv);
int cmd_policy(struct cli *cli, int argc, char **argv);
int cmd_appraisal(struct cli *cli, int argc, char **argv);
int cmd_shard(struct cli *cli, int argc, char **argv);
int cmd_federate(struct cli *cli, int argc, char **argv);
int cmd_verify(struct cli *cli, int argc, char **argv);
int cmd_doctor(struct cli *cli, int argc, char **argv);
int cmd_top(struct cli *cli, int argc, char **argv);
int cmd_board(struct cli *cli, int argc, char **argv);
int cmd_hook(struct cli *cli, int argc, char **argv);
int cmd_version(struct cli *cli, int argc, char **argv);

/* Runs the program. Returns its exit status. */
int cli_main(int argc, char **argv);

/* getopt_long() for a command, which handles the global options itself: --config, --set, --json, --help. Call it until
 * it returns less than 0. Returns the value of one of the command's own options (optarg is set), or -1: no options are
 * left, argv[optind] to argv[argc - 1] are the arguments; CLI_OPTION_DONE: the command must return *status_out (help
 * was printed, or the usage is wrong). short_options: as in getopt() ("n:q"), without 'c' and 'h'. long_options: ends
 * with a zeroed row; NULL: none. The values of long options without a letter are 256 to 999. */
#define CLI_OPTION_DONE (-2)
int cli_option(struct cli *cli, int argc, char **argv, const char *short_options, const struct option *long_options,
               int *status_out);

/* Checks that at_least to at_most arguments (-1: no limit) follow the options. Otherwise prints a usage error and
 * returns false: the command must return CLI_USAGE. */
bool cli_arguments(const struct cli *cli, int argc, int at_least, int at_most);
/* Prints "kpid COMMAND: message" and how to get help. Returns CLI_USAGE. */
int cli_usage_error(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Longest names and reasons that the tables store, in characters (sql/migrations/0002_tables.sql). */
enum { CLI_MOST_WHO = 200, CLI_MOST_WHY = 2000 };

/* Returns true for NULL and for texts of up to most_characters. Otherwise prints a usage error that names the option.
 */
bool cli_is_short(const struct cli *cli, const char *option, const char *text, size_t most_characters);

/* The user who runs the command, for records. Never NULL, never longer than CLI_MOST_WHO. Borrowed. */
const char *cli_user(void);

/* Prints errors to stderr, one per line. */
void cli_print_errors(const struct config_errors *errors);

/* Adds "SECTION.KEY=VALUE" (borrowed) after those of the command line, and removes it again. */
void cli_add_set(struct cli *cli, const char *set);
void cli_remove_set(struct cli *cli);
/* Loads the configuration of --config and --set, and sets the log level. Returns CLI_OK and the configuration (caller
 * frees it with kpid_config_free()), or CLI_CONFIG after printing every error to stderr. */
int cli_load_config(const struct cli *cli, struct kpid_config **config_out);

#endif
