/* Judges recorded tickets anew, on purpose, under the policies of a file: `kpid policy recalc`. */
#ifndef KPID_APP_RECALC_H
#define KPID_APP_RECALC_H

#include <stdint.h>

#include "kpid/config.h"

struct recalc_request {
	const char *asked_by, *why;
	const char *since, *until; /* of the opening, RFC 3339; NULL: no bound */
};

struct recalc_report {
	int64_t recalculation_no, n_tickets, n_judged;
};

/* config: its policy file is the one to judge by; taken over. Other instances may run; each ticket changes in a
 * transaction as if an event of it had come. May be broken off and done again: what is judged already is passed over.
 * Returns an exit code. */
int recalc_run(struct kpid_config *config, const struct recalc_request *request, struct recalc_report *report_out);

#endif
