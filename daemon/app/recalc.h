/* kpid policy recalc: judges recorded tickets again under the policies of a file. */
#ifndef KPID_APP_RECALC_H
#define KPID_APP_RECALC_H

#include <stdint.h>

#include "kpid/config.h"

struct recalc_request {
	const char *asked_by, *why;
	const char *since, *until; /* bounds of the opening time, RFC 3339; NULL: none */
};

struct recalc_report {
	int64_t recalculation_no, n_tickets, n_judged;
};

/* Judges by the policy file of config, and takes ownership of config. Other instances may run: each ticket changes in a
 * transaction, as for a new event. May be interrupted and run again: it skips what was judged. Returns an exit code. */
int recalc_run(struct kpid_config *config, const struct recalc_request *request, struct recalc_report *report_out);

#endif
