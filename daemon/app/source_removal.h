/* kpid source drop: removes the events of a source from all tickets. */
#ifndef KPID_APP_SOURCE_REMOVAL_H
#define KPID_APP_SOURCE_REMOVAL_H

#include <stdint.h>

#include "kpid/config.h"

struct source_removal {
	const char *source; /* its events, and those of sources that begin with it and "/", are removed */
	int64_t drop_no;    /* the record to which each page adds, in its own transaction */
};

/* Takes ownership of config. Other instances may run: each ticket changes in a transaction, as for a new event. May be
 * interrupted and run again. Tickets that lost all events are left with an empty history, and those that are set aside
 * are left out. Returns an exit code. */
int source_removal_run(struct kpid_config *config, const struct source_removal *removal);

#endif
