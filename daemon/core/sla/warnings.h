/* The warnings of a clock while its ticket is folded (RULES S8). */
#ifndef KPID_CORE_SLA_WARNINGS_H
#define KPID_CORE_SLA_WARNINGS_H

#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/core/policy.h"

/* A warning whose instant lies before the steps that are taken by now: nothing undoes it. */
struct warning {
	int64_t at_us;
	struct warning *before;
};

struct warnings {
	struct warning *latest; /* NULL: none yet */
	int64_t applied_us;     /* when the policy that asks for them came to apply last */
	int64_t seen_us;        /* those before it are in the list, or will never be */
	uint32_t done;          /* bit i: the i-th of the policy came, or is skipped for good */
};

_Static_assert(TARGET_MAX_WARNINGS <= 32, "a bit for each");

/* A policy came to apply. */
void warnings_apply(struct warnings *warnings, int64_t at_us);

/* How the clock stands now, for the time from warnings->seen_us on. */
struct warnings_view {
	const struct target_rule *rule; /* NULL: nobody asks for any */
	bool promised;                  /* by the wall alone: no part of `within` is ever run */
	int64_t due_us;                 /* TIME_NONE: not known while it stands */
	/* When the clock has run for so long, with what it brought along; TIME_NONE: not before the end of a pause;
	 * before its start: INT64_MIN + 1. */
	int64_t (*reaches)(const void *context, int64_t run_us);
	const void *context;
};

/* The instant of the i-th warning, if nothing more happens; TIME_NONE: none. Not before seen_us. */
int64_t warnings_next(const struct warnings *warnings, const struct warnings_view *view, size_t i);
/* The earliest instant, at or after which one of those that are not done comes or is skipped, if nothing more happens;
 * TIME_NONE: none is. */
int64_t warnings_first(const struct warnings *warnings, const struct warnings_view *view);
/* Nothing more happens before until_us: warnings up to there are for good. */
void warnings_pass(struct warnings *warnings, const struct warnings_view *view, int64_t until_us, struct arena *arena);

#endif
