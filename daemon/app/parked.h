/* Retries tickets that were set aside, with their waiting events, because they were locked or PostgreSQL refused their
 * rows. The first instance that locks them folds them; after another failure they wait longer. */
#ifndef KPID_APP_PARKED_H
#define KPID_APP_PARKED_H

#include <stdbool.h>
#include <stdint.h>

#include "app/lane.h"

struct parked;

struct parked_events {
	/* Tickets were folded, or wait longer: their deadlines may have passed. */
	void (*changed)(void *context);
	/* The number of tickets that are set aside because PostgreSQL refuses them, for the status of the service. */
	void (*refused)(void *context, int64_t n);
	void *context;
};

struct parked *parked_new(struct lane_shared *shared, const struct parked_events *events);
void parked_free(struct parked *parked);
/* Some are due. Connects at the first call: most instances never need the session. */
void parked_wake(struct parked *parked);
bool parked_has_refused(const struct parked *parked); /* this process met a ticket that PostgreSQL refuses */
bool parked_is_idle(const struct parked *parked);     /* no query or transaction is running */

#endif
