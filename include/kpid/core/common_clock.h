/* PostgreSQL's clock, as this process knows it by its own monotonic one: the one clock for all instances, whatever
 * those of their machines say. */
#ifndef KPID_CORE_COMMON_CLOCK_H
#define KPID_CORE_COMMON_CLOCK_H

#include <stdint.h>

struct common_clock {
	int64_t ahead_us; /* of the monotonic clock, at least; INT64_MIN: not known yet */
};

#define COMMON_CLOCK_UNKNOWN ((struct common_clock){INT64_MIN})

/* PostgreSQL said what time it was after sent_us and before received_us, both monotonic. */
void common_clock_hear(struct common_clock *clock, int64_t time_us, int64_t sent_us, int64_t received_us);
/* What time it was there at that monotonic time, or somewhat earlier: never later. TIME_NONE: not known. */
int64_t common_clock_at(const struct common_clock *clock, int64_t monotonic_us);

#endif
