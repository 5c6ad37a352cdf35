/* kpid alerts test: does not need the database. */
#ifndef KPID_CLI_ALERTS_TEST_H
#define KPID_CLI_ALERTS_TEST_H

#include "cli/cli.h"

/* Sends a test message to a receiver and prints its answer. Returns an enum cli_status. */
int alerts_test(const struct cli *cli, const struct kpid_config *config, const char *receiver);

#endif
