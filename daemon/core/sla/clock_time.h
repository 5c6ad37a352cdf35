/* How a clock's time runs (rule S3): inside its calendar's hours and outside the pauses that its target lists. */
#ifndef KPID_CORE_SLA_CLOCK_TIME_H
#define KPID_CORE_SLA_CLOCK_TIME_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"
#include "kpid/core/policy.h"
#include "kpid/core/sla_clock.h"
#include "kpid/core/timestamp.h"

/* What has happened to the ticket so far, as far as it affects clocks. Both arrays only grow at the end. */
struct clock_context {
	const struct pause *pauses; /* in order of time; while the ticket is paused, the last has no end */
	size_t n_pauses;
	const struct ticket_cycle *cycles; /* cycle n is at index n - 1; cycles before the clock's own have ended */
	struct clock_sums *sums;
};

/* Prefix sums over the ended pauses and cycles of one ticket, for each pair of pause list and calendar that is used.
 * They are extended on demand, so that a query costs a binary search and not a loop over all pauses: a ticket may have
 * 100,000. */
struct clock_sums {
	struct clock_sum *first; /* most recently used first */
	struct arena *arena;
	size_t max_pauses, max_cycles; /* upper bounds for this ticket */
};

/* The rules and pauses by which one clock runs. */
struct clock_time {
	const struct clock_context *context;
	const struct target_rule *rule;
	size_t first_pause; /* earlier pauses end before all times that are queried */
	int64_t cut_us;     /* where a pause without an end is taken to end; TIME_FOR_EVER: never */
};

/* How long the clock ran between two times, in microseconds. */
int64_t clock_time_ran(const struct clock_time *time, int64_t from_us, int64_t to_us);
/* The earliest time at which a clock that starts at from_us has run for run_us (> 0). TIME_NONE: a pause that has not
 * ended stops it before that. */
int64_t clock_time_reaches(const struct clock_time *time, int64_t from_us, int64_t run_us);
/* How long it ran in the first n_cycles cycles, each from its start to its resolution. */
int64_t clock_time_used(const struct clock_time *time, size_t n_cycles);

/* The time at which a clock with left_us left at at_us reaches zero, if no pause follows. Before at_us if left_us is
 * negative: the clock has run for -left_us since then. */
int64_t clock_time_zero(const struct clock_time *time, int64_t at_us, int64_t left_us);

#endif
