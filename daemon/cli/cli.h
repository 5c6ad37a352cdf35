/* The frame of the command line: one row a command, one file a command (cmd_<name>.c).
 * Data goes to stdout, words to stderr. Nothing here calls exit(): a command returns its status. */
#ifndef KPID_CLI_H
#define KPID_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "kpid/config.h"

/* What a command returns, and what `kpid --help` and kpid(1) promise. */
enum cli_status {
	CLI_OK = 0,
	CLI_FAILED = 1,        /* what was asked for failed or was not found */
	CLI_USAGE = 2,         /* the command line is wrong */
	CLI_CONFIG = 3,        /* the configuration has faults; they are on stderr */
	CLI_NO_POSTGRES = 4,   /* PostgreSQL is not reachable or refuses */
	CLI_NO_KAFKA = 5,      /* Kafka is not reachable */
	CLI_FAULT = 70,        /* see base/check.h */
	CLI_OUT_OF_MEMORY = 71 /* see base/memory.h */
};

/* What every command understands, before or after its name. */
struct cli {
	const struct cli_command *command; /* the one that runs; NULL before it is known */
	const char *config_path;           /* --config; NULL: not given */
	const char **sets;                 /* --set, in order */
	size_t n_sets;
	bool json; /* --json */
};

struct cli_command {
	const char *name;
	const char *help;  /* one line */
	const char *usage; /* what follows the name: "up|status|verify" */
	const char *more;  /* the rest of its --help: what it does, and its own options, one a line; or NULL */
	/* argv[0] is the command's name. Returns an enum cli_status. */
	int (*run)(struct cli *cli, int argc, char **argv);
};

/* The table (commands.c); its last row has no name. */
extern const struct cli_command cli_commands[];

int cmd_run(struct cli *cli, int argc, char **argv);
int cmd_ingest(struct cli *cli, int argc, char **argv);
int cmd_migrate(struct cli *cli, int argc, char **argv);
int cmd_check_config(struct cli *cli, int argc, char **argv);
int cmd_explain(struct cli *cli, int argc, char **argv);
int cmd_dlq(struct cli *cli, int argc, char **argv);
int cmd_gap(struct cli *cli, int argc, char **argv);
int cmd_settings(struct cli *cli, int argc, char **argv);
int cmd_alerts(struct cli *cli, int argc, char **argv);
int cmd_policy(struct cli *cli, int argc, char **argv);
int cmd_verify(struct cli *cli, int argc, char **argv);
int cmd_doctor(struct cli *cli, int argc, char **argv);
int cmd_top(struct cli *cli, int argc, char **argv);
int cmd_version(struct cli *cli, int argc, char **argv);

/* The whole program: finds the command and runs it. */
int cli_main(int argc, char **argv);

/* getopt_long() for a command, with the global options handled: --config, --set, --json, --help.
 * Call it until it returns less than 0. Returns the value of one of the command's own options (optarg
 * is set), or
 *   -1: no options are left, argv[optind] to argv[argc - 1] are the arguments;
 *   CLI_OPTION_DONE: return *status_out from the command (help was printed, or the usage is wrong).
 * short_options is as getopt() has it ("n:q"), without 'c' and 'h'; long_options ends with a zeroed
 * row, NULL for none. Long options without a letter take values from 256 to 999. */
#define CLI_OPTION_DONE (-2)
int cli_option(struct cli *cli, int argc, char **argv, const char *short_options, const struct option *long_options,
               int *status_out);

/* Whether between at_least and at_most arguments (-1: any number) are left after the options. If not,
 * says so on stderr: return CLI_USAGE. */
bool cli_arguments(const struct cli *cli, int argc, int at_least, int at_most);
/* Prints "kpid COMMAND: message" and where to find help. Returns CLI_USAGE. */
int cli_usage_error(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Longer than this the tables do not take what is written down of who and why (sql/migrations/0002_tables.sql). */
enum { CLI_MOST_WHO = 200, CLI_MOST_WHY = 2000 };

/* True for NULL and for a text of at most so many characters; else a usage error was said that names the option. */
bool cli_is_short(const struct cli *cli, const char *option, const char *text, size_t most_characters);

/* Who runs the command, for what is written down; never NULL, and never longer than CLI_MOST_WHO. */
const char *cli_user(void);

/* Loads what --config and --set say. Returns CLI_OK and the configuration (free it with
 * kpid_config_free()), or CLI_CONFIG after printing every fault to stderr. The log level is set. */
int cli_load_config(const struct cli *cli, struct kpid_config **config_out);

#endif
