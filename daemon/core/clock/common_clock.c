#include "kpid/core/common_clock.h"

#include "kpid/core/timestamp.h"

/* Each answer gives a lower and an upper bound of the difference. The greatest lower bound is the best estimate. If an
 * answer shows that it is too high, PostgreSQL's clock was set back. */
void common_clock_update(struct common_clock *clock, int64_t time_us, int64_t sent_us, int64_t received_us)
{
	int64_t least_us = time_us - received_us, most_us = time_us - sent_us;
	if (clock->ahead_us < least_us || clock->ahead_us > most_us)
		clock->ahead_us = least_us;
}

int64_t common_clock_at(const struct common_clock *clock, int64_t monotonic_us)
{
	return clock->ahead_us == INT64_MIN ? TIME_NONE : clock->ahead_us + monotonic_us;
}
