/* Takes up again what was set aside: tickets that were locked, or whose rows PostgreSQL refused, with the events that
 * wait for them. Whichever instance comes first folds them; what fails again waits longer. */
#ifndef KPID_APP_PARKED_H
#define KPID_APP_PARKED_H

#include <stdbool.h>
#include <stdint.h>

#include "app/lane.h"

struct parked;

struct parked_events {
	/* Tickets were folded, or set aside for longer: deadlines of them may have passed. */
	void (*changed)(void *context);
	/* So many tickets are set aside because PostgreSQL refuses them: for the status of the service. */
	void (*refused)(void *context, int64_t n);
	void *context;
};

struct parked *parked_new(struct lane_shared *shared, const struct parked_events *events);
void parked_free(struct parked *parked);
/* Some are due. Connects when that is said first: most instances never have anything to do here. */
void parked_wake(struct parked *parked);
bool parked_has_refused(const struct parked *parked); /* this process found a ticket that PostgreSQL refuses */
bool parked_is_idle(const struct parked *parked);     /* nothing is under way */

#endif
