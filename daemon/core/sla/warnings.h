/* The warnings of a clock while its ticket is folded (rule S8). */
#ifndef KPID_CORE_SLA_WARNINGS_H
#define KPID_CORE_SLA_WARNINGS_H

#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/core/policy.h"

/* A warning before the current step. It is final. */
struct warning {
	int64_t at_us;
	struct warning *before;
};

struct warnings {
	struct warning *latest; /* NULL: none yet */
	int64_t applied_us;     /* when the policy began to apply, the last time */
	int64_t seen_us;        /* warnings before this are in the list or were skipped */
	uint32_t done;          /* bit i: the i-th warning of the policy came or is skipped for good */
};

_Static_assert(TARGET_MAX_WARNINGS <= 32, "one bit per warning");

/* A policy began to apply. */
void warnings_apply(struct warnings *warnings, int64_t at_us);

/* State of the clock from warnings->seen_us on. */
struct warnings_view {
	const struct target_rule *rule; /* NULL: no warnings */
	bool promised;                  /* wall-clock time: warnings by a percentage of `within` do not apply */
	int64_t due_us;                 /* TIME_NONE: not known while paused */
	/* When the clock has run for run_us, including the time carried over from earlier cycles. TIME_NONE: a pause
	 * that has not ended stops it before that. If earlier cycles have used more already: just before its start. */
	int64_t (*reaches)(const void *context, int64_t run_us);
	const void *context;
};

/* Time of the i-th warning if nothing more happens, not before seen_us; TIME_NONE: no warning. */
int64_t warnings_next(const struct warnings *warnings, const struct warnings_view *view, size_t i);
/* Until when no further warning comes or is skipped, if nothing more happens; TIME_NONE: none ever. */
int64_t warnings_first(const struct warnings *warnings, const struct warnings_view *view);
/* Nothing more happens before until_us: makes warnings up to then final. */
void warnings_pass(struct warnings *warnings, const struct warnings_view *view, int64_t until_us, struct arena *arena);

#endif
