/* kpid policy test: recorded tickets judged under other policies, and nothing touched. */
#ifndef KPID_CLI_POLICY_TEST_H
#define KPID_CLI_POLICY_TEST_H

#include "cli/cli.h"
#include "kpid/core/policy.h"

struct policy_test_request {
	const struct policy_set *set;
	const char *since, *until; /* RFC 3339; NULL: no bound */
};

/* Returns an enum cli_status; what is wrong was said. */
int policy_test(const struct cli *cli, const struct kpid_config *config, const struct policy_test_request *request);

#endif
