/* kpid policy recalc: recorded tickets judged anew under other policies, on purpose and on record. */
#ifndef KPID_CLI_POLICY_RECALC_H
#define KPID_CLI_POLICY_RECALC_H

#include "cli/cli.h"

struct policy_recalc_request {
	const char *path;          /* of the policy file */
	const char *why;           /* goes into the record */
	const char *since, *until; /* RFC 3339; NULL: no bound */
};

/* Returns an enum cli_status; what is wrong was said. */
int policy_recalc(struct cli *cli, const struct policy_recalc_request *request);

#endif
