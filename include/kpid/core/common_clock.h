/* PostgreSQL's clock, estimated from the local monotonic clock. All instances use it, so that their machines' clocks do
 * not matter. */
#ifndef KPID_CORE_COMMON_CLOCK_H
#define KPID_CORE_COMMON_CLOCK_H

#include <stdint.h>

struct common_clock {
	int64_t ahead_us; /* lower bound: PostgreSQL's clock minus the monotonic clock; INT64_MIN: not known yet */
};

#define COMMON_CLOCK_UNKNOWN ((struct common_clock){INT64_MIN})

/* PostgreSQL reported time_us in answer to a query sent at sent_us and answered at received_us (monotonic). */
void common_clock_update(struct common_clock *clock, int64_t time_us, int64_t sent_us, int64_t received_us);
/* PostgreSQL's time at a monotonic time, or slightly less; never more. TIME_NONE: not known. */
int64_t common_clock_at(const struct common_clock *clock, int64_t monotonic_us);

#endif
