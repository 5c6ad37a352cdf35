/* kpid policy recalc: judges recorded tickets by another policy file, and stores the result. */
#ifndef KPID_CLI_POLICY_RECALC_H
#define KPID_CLI_POLICY_RECALC_H

#include "cli/cli.h"

struct policy_recalc_request {
	const char *path;          /* of the policy file */
	const char *why;           /* for report.recalculation */
	const char *since, *until; /* RFC 3339; NULL: no bound */
};

/* Returns an enum cli_status, and prints errors to stderr. */
int policy_recalc(struct cli *cli, const struct policy_recalc_request *request);

#endif
