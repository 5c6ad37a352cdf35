/* Checks the database before a command that works on it for a long time. */
#ifndef KPID_CLI_PREFLIGHT_H
#define KPID_CLI_PREFLIGHT_H

#include <stdbool.h>

#include "cli/cli.h"

/* Returns CLI_OK, CLI_FAILED for a database of another version, or CLI_NO_POSTGRES for a server that is unreachable or
 * unusable, and prints errors with their remedy to stderr. may_be_away: also CLI_OK for a server that is away, starting
 * or read-only, because that is temporary; but not for one that refuses the role or lacks the database. */
int preflight(const struct cli *cli, const struct kpid_config *config, bool may_be_away);
/* Loads the configuration like cli_load_config(), and checks its database, which must be reachable. Returns CLI_OK and
 * the configuration, or another status after printing the error. */
int preflight_load(const struct cli *cli, struct kpid_config **config_out);

#endif
