/* kpid alerts test: needs no database. */
#ifndef KPID_CLI_ALERTS_TEST_H
#define KPID_CLI_ALERTS_TEST_H

#include "cli/cli.h"

/* Tells a receiver of an alert that is none, and prints how it answered. Returns an enum cli_status. */
int alerts_test(const struct cli *cli, const struct kpid_config *config, const char *receiver);

#endif
