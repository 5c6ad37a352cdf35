/* Looks at the database before a command that works on it for long. */
#ifndef KPID_CLI_PREFLIGHT_H
#define KPID_CLI_PREFLIGHT_H

#include <stdbool.h>

#include "cli/cli.h"

/* CLI_OK; CLI_FAILED after saying that the database is not at this program's version and what to do;
 * CLI_NO_POSTGRES after saying why it cannot be reached or used. may_be_away: a server that is away, starts, or only
 * reads is CLI_OK, since that passes; one that refuses the role or has no such database is not. */
int preflight(const struct cli *cli, const struct kpid_config *config, bool may_be_away);
/* Loads the configuration as cli_load_config(), and looks at its database, which must be there. CLI_OK and the
 * configuration, or why not. */
int preflight_load(const struct cli *cli, struct kpid_config **config_out);

#endif
