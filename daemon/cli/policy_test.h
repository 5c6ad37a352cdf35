/* kpid policy test: judges recorded tickets by another policy file, without changing anything. */
#ifndef KPID_CLI_POLICY_TEST_H
#define KPID_CLI_POLICY_TEST_H

#include "cli/cli.h"
#include "kpid/core/policy.h"

struct policy_test_request {
	const struct policy_set *set;
	const char *since, *until; /* RFC 3339; NULL: no bound */
};

/* Returns an enum cli_status, and prints errors to stderr. */
int policy_test(const struct cli *cli, const struct policy_test_request *request);

#endif
