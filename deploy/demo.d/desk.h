/* A property-management desk, with time compressed: a day's tickets in a minute or two. Its agents work in two shifts,
 * some are slow; things break in bursts; letters arrive late, twice or damaged.
 *
 * A ticket's whole life is drawn when it is opened. A step after `ends_us` never happens: do not send its
 * letters. */
#ifndef DEMO_DESK_H
#define DEMO_DESK_H

#include <stdint.h>

#include "schedule.h"

#define DEMO_UNTOUCHED  "DEMO-UNTOUCHED"
#define DEMO_LATE_PROOF "DEMO-LATE-PROOF"

struct desk {
	uint64_t random; /* state of the generator of random numbers */
	const char *prefix;
	int64_t starts_us;
	int64_t ends_us;   /* INT64_MAX: never */
	int64_t period_us; /* of shifts and bursts */
	double rate;       /* average number of tickets per second */
	uint32_t n_tickets, n_ids, n_spoilt;
	int64_t next_ticket_us, next_spoilt_us, next_tombstone_us, next_unknown_us;
	struct schedule schedule;
};

void desk_init(struct desk *desk, const char *prefix, uint64_t seed, double rate, int64_t starts_us, int64_t period_us,
               int64_t ends_us);
/* Schedules the two tickets that the demo comments on. */
void desk_open_demo_tickets(struct desk *desk);
/* Opens all tickets that are due by now. */
void desk_advance(struct desk *desk, int64_t now_us);
void desk_release(struct desk *desk);

#endif
