/* How a clock's time runs (RULES S3): at the instants inside its calendar and outside the pauses that its
 * target lists. */
#ifndef KPID_CORE_SLA_CLOCK_TIME_H
#define KPID_CORE_SLA_CLOCK_TIME_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"
#include "kpid/core/policy.h"
#include "kpid/core/ticket.h"
#include "kpid/core/timestamp.h"

/* What has happened to the ticket so far, as far as it moves a clock. Both arrays only grow, at the end. */
struct clock_ground {
	const struct pause *pauses; /* the last has no end while the ticket is paused */
	size_t n_pauses;
	const struct ticket_cycle *cycles; /* by number, from 1; those before a clock's own have ended */
	struct clock_sums *sums;
};

/* Sums over the ended pauses and cycles of one ticket, for each pair of a pause list and a calendar that somebody asks
 * about. They are extended when they are asked for, so that a question costs a binary search and not a walk over all
 * pauses: a ticket may have 100,000. */
struct clock_sums {
	struct clock_sum *first; /* the one used last */
	struct arena *arena;
	size_t max_pauses, max_cycles; /* room for the most that there will be */
};

/* What may make a clock stand. */
struct clock_time {
	const struct clock_ground *ground;
	const struct target_rule *rule;
	size_t first_pause; /* those before it end before all times asked about */
	int64_t cut_us;     /* a pause without end ends here; TIME_FOR_EVER: it lasts */
};

/* For how long the clock has run between two times. */
int64_t clock_time_ran(const struct clock_time *time, int64_t from_us, int64_t to_us);
/* The earliest instant at which a clock that starts at from_us has run for run_us (> 0).
 * TIME_NONE: not before the end of a pause that has none yet. */
int64_t clock_time_reaches(const struct clock_time *time, int64_t from_us, int64_t run_us);
/* For how long it has run in the first n_cycles cycles, from their start to their resolution. */
int64_t clock_time_used(const struct clock_time *time, size_t n_cycles);

/* Where a clock that at at_us has left_us to run, and from then on knows no pause, has nothing left; before
 * at_us if left_us is negative, so that what it has run since is what it lacks. */
int64_t clock_time_zero(const struct clock_time *time, int64_t at_us, int64_t left_us);

#endif
