/* How a clock's time runs (RULES S3): at the instants inside its calendar and outside the pauses that its
 * target lists. */
#ifndef KPID_CORE_SLA_CLOCK_TIME_H
#define KPID_CORE_SLA_CLOCK_TIME_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/base/text.h"
#include "kpid/core/policy.h"
#include "kpid/core/ticket.h"
#include "kpid/core/timestamp.h"

/* What may make a clock stand. */
struct clock_time {
	const struct pause *pauses; /* those that end before the times asked about may be left out */
	size_t n_pauses;
	struct text_list listed; /* reasons that count */
	struct calendar *hours;  /* NULL: always */
	int64_t cut_us;          /* a pause without end ends here; TIME_FOR_EVER: it lasts */
};

/* For how long the clock has run between two times. */
int64_t clock_time_ran(const struct clock_time *time, int64_t from_us, int64_t to_us);
/* The earliest instant at which a clock that starts at from_us has run for run_us (> 0).
 * TIME_NONE: not before the end of a pause that has none yet. */
int64_t clock_time_reaches(const struct clock_time *time, int64_t from_us, int64_t run_us);

/* Where a clock that at at_us has left_us to run, and from then on knows no pause, has nothing left; before
 * at_us if left_us is negative, so that what it has run since is what it lacks. */
int64_t clock_time_zero(const struct clock_time *time, int64_t at_us, int64_t left_us);

#endif
